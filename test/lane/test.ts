// The test workspace's `npm test`: the lane of VMs beside all other lanes, since it computes on one core and waits for nobody.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { RUN, takeDownLabs } from './interrupt.ts';

process.env[RUN] = String(process.pid);
let interrupted = false;

const runs = [['--project=kernel'], ['--project=!kernel']].map((projects) =>
  spawn('vitest', ['run', ...projects, ...process.argv.slice(2)], { stdio: 'inherit' }),
);
// An interrupt reaches the runners from the terminal; waiting for them lets the tests clean up.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interrupted = true;
    for (const run of runs) run.kill(signal);
  });
}
const codes = await Promise.all(runs.map(async (run) => (await once(run, 'close'))[0] as number | null));
process.exitCode = codes.every((code) => code === 0) ? 0 : 1;

if (interrupted) takeDownLabs();
