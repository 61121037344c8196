// `npm test`: checks and tests of every workspace, then one line that says what they came to.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LANES, UNITS } from './lanes.ts';
import { readResults } from './results.ts';
import { summarize } from './summary.ts';

const folder = await mkdtemp(join(tmpdir(), 'ifactor-results-'));
const turbo = spawn('turbo', ['run', 'check', 'test', '--continue=always', '--output-logs=new-only', '--ui=stream', ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, IFACTOR_RESULTS: folder, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' },
});
// An interrupt reaches turbo from the terminal; waiting for it lets the tests clean up.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => turbo.kill(signal));
const [code, signal] = await once(turbo, 'close');
const summary = summarize(await readResults(folder), [...UNITS, ...LANES]);
await rm(folder, { recursive: true });

const broken = code !== 0 || summary.failed > 0;
// A desk may lack a program and go on without that lane; CI has installed everything.
const incomplete = process.env['CI'] === 'true' && summary.idle.length > 0;
console.log();
if (code !== 0 && summary.failed === 0) console.log('a check failed, or a runner ended early: see above');
if (incomplete) console.log('in CI every lane has to run');
for (const line of summary.lines) console.log(line);
process.exitCode = signal ? 130 : broken || incomplete ? 1 : 0;
