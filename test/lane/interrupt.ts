import { spawnSync } from 'node:child_process';
import { existsSync, globSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** Names the run that a test belongs to, in the environment of the runners. */
export const RUN = 'IFACTOR_TEST_RUN';

/** Of the folders that tests keep labs in: the run's own, so that what an interrupted one leaves can be told from another's. */
export const labPrefix = (): string => join(tmpdir(), `ift-lab${process.env[RUN] ?? ''}-`);

/** A runner that is interrupted ends without its teardown: takes down the labs that it had up. */
export function takeDownLabs(): void {
  const main = resolve(import.meta.dirname, '../../lab/cli/src/main.ts');
  for (const dir of globSync(`${labPrefix()}*`)) {
    spawnSync(process.execPath, [main, 'lab', 'down', '--dir', dir], { stdio: 'inherit' });
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Removes the netns of tests that are no more, which are named after their process, with all that runs in them. */
export function removeNetns(): void {
  const list = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout ?? '';
  for (const [name, owner] of list.matchAll(/^ift-(\d+)-\S+/gm)) {
    if (existsSync(`/proc/${owner}`)) continue;
    const inside = spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8' }).stdout ?? '';
    for (const pid of inside.split('\n').filter(Boolean)) spawnSync('kill', [pid]);
    spawnSync('ip', ['netns', 'delete', name], { stdio: 'inherit' });
  }
}
