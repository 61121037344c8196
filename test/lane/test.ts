// The test workspace's `npm test`: its lanes in streams beside each other, about equally long. Those that drive whole labs mostly wait.
// The machines compute on one core and wait for nobody, so the whole run starts them first, beside the units, which use the other.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lanes, machines, PART } from './lanes.ts';
import { removeNetns, RUN, takeDownLabs } from './interrupt.ts';

process.env[RUN] = String(process.pid);
let interrupted = false;

const part = process.env[PART];
const names = lanes().map(({ name }) => name);
const labs = ['e2e', 'ui', 'chaos'];
const rest = names.filter((name) => !machines.includes(name) && !labs.includes(name));
const streams = part === 'machines' ? [machines] : part === 'others' ? [labs, rest] : [machines, labs, rest];

const runs = streams.map((stream) => {
  const projects = stream.map((name) => `--project=${name}`);
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
