// `npm test`: checks and tests of every workspace, then one line that says what they came to.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { lanes, PART, UNITS } from './lanes.ts';
import { natsEnvironment } from './nats.ts';
import { readResults } from './results.ts';
import { summarize } from './summary.ts';

// Tests in every workspace start a nats-server; the lab knows how to get one.
const nats = await natsEnvironment();
const folder = await mkdtemp(join(tmpdir(), 'ifactor-results-'));
// Each task is parallel in itself; more tasks than this starve the servers and engines that tests start.
const concurrency = Math.max(1, Math.floor(availableParallelism() / 2));
const args = [
  'run',
  'check',
  'check:tree',
  'test',
  '--continue=always',
  '--ui=stream',
  `--concurrency=${concurrency}`,
  ...process.argv.slice(2),
];
const env = {
  ...process.env,
  ...nats,
  IFACTOR_RESULTS: folder,
  TURBO_TELEMETRY_DISABLED: '1',
  DO_NOT_TRACK: '1',
};
const runs = [
  spawn(process.execPath, [join(import.meta.dirname, 'test.ts')], {
    stdio: 'inherit',
    cwd: dirname(import.meta.dirname),
    env: { ...env, [PART]: 'machines' },
  }),
  spawn('turbo', args, { stdio: 'inherit', env: { ...env, [PART]: 'others' } }),
];
// An interrupt reaches both from the terminal; waiting for them lets the tests clean up.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    for (const run of runs) run.kill(signal);
  });
const ends = await Promise.all(runs.map((run) => once(run, 'close') as Promise<[number | null, string | null]>));
const code = ends.every(([each]) => each === 0) ? 0 : 1;
const signal = ends.some(([, each]) => each !== null);
const summary = summarize(await readResults(folder), [...UNITS, ...lanes().map(({ name }) => name)]);
await rm(folder, { recursive: true });

const broken = code !== 0 || summary.failed > 0;
// A desk may lack a program and go on without that lane; CI has installed everything.
const incomplete = process.env['CI'] === 'true' && summary.idle.length > 0;
console.log();
if (code !== 0 && summary.failed === 0) console.log('a check failed, or a runner ended early: see above');
if (incomplete) console.log('in CI every lane has to run');
for (const line of summary.lines) console.log(line);
process.exitCode = signal ? 130 : broken || incomplete ? 1 : 0;
