// The test workspace's `npm test`: the lane of VMs beside all other lanes, since it computes on one core and waits for nobody.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { globSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const started = Date.now();
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

// A runner that is interrupted ends without its teardown: the labs it had up are taken down here.
if (interrupted) {
  const main = resolve(import.meta.dirname, '../../lab/src/main.ts');
  for (const name of globSync('ift-{lab,demo}-*', { cwd: tmpdir() })) {
    const dir = join(tmpdir(), name);
    if (statSync(dir).birthtimeMs < started) continue;
    spawnSync(process.execPath, [main, 'lab', 'down', '--dir', dir], { stdio: 'inherit' });
    rmSync(dir, { recursive: true, force: true });
  }
}
