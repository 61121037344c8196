// The test workspace's `npm test`: its lanes in streams beside each other, about equally long. The kernel's computes on one core and
// waits for nobody; those that drive whole labs mostly wait.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lanes } from './lanes.ts';
import { removeNetns, RUN, takeDownLabs } from './interrupt.ts';

process.env[RUN] = String(process.pid);
let interrupted = false;

const names = lanes().map(({ name }) => name);
const streams = [
  ['kernel', 'package', 'pages', 'vm'],
  ['e2e', 'ui', 'chaos'],
];
streams.push(names.filter((name) => !streams.flat().includes(name)));

const runs = streams.map((stream) => {
  const projects = stream.filter((name) => names.includes(name)).map((name) => `--project=${name}`);
  return spawn('vitest', ['run', ...projects, ...process.argv.slice(2)], { stdio: 'inherit' });
});
// An interrupt reaches the runners from the terminal; waiting for them lets the tests clean up.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interrupted = true;
    for (const run of runs) run.kill(signal);
  });
}
const codes = await Promise.all(runs.map(async (run) => (await once(run, 'close'))[0] as number | null));
process.exitCode = codes.every((code) => code === 0) ? 0 : 1;

if (interrupted) {
  takeDownLabs();
  removeNetns();
}
