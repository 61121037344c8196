import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { LabError } from '../lab/error.ts';
import { netnsOf } from '../lab/exec.ts';
import type { Stage } from './stage.ts';

const patience = 20_000;

/**
 * Deletes a link in a container and waits, by what the kernel tells, until there is one of this name again.
 * @returns how long it was away, in ms
 * @throws LabError where it does not come back
 */
export async function deleteAndAwait(stage: Stage, container: string, link: string): Promise<number> {
  const monitor = spawn('nsenter', [`--net=${await netnsOf(stage.lab, container)}`, 'ip', '-o', 'monitor', 'link'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  promise.catch(() => {});
  const timer = setTimeout(() => reject(new LabError(`${link} was deleted and is not back after ${patience / 1000} s`)), patience);
  monitor.once('error', reject);
  monitor.once('exit', (code) => reject(new LabError(`ip monitor ended (${code})`)));
  let gone: { index: string; time: number } | undefined;
  const about = new RegExp(`^(Deleted )?(\\d+): ${link}[@:]`);
  createInterface(monitor.stdout).on('line', (line) => {
    const [, deleted, index] = about.exec(line) ?? [];
    if (index === undefined) return;
    if (deleted !== undefined) gone ??= { index, time: performance.now() };
    // The kernel may still speak of the old one.
    else if (gone !== undefined && gone.index !== index) resolve(performance.now() - gone.time);
  });
  try {
    await Promise.race([listening(monitor.pid), promise]);
    await stage.show(stage.exec(container, 'ip', 'link', 'del', link));
    return await promise;
  } finally {
    clearTimeout(timer);
    monitor.removeAllListeners('exit').kill();
  }
}

/** Resolves when the process has joined a netlink group. It says nothing itself; /proc/PID/net/netlink shows it. */
async function listening(pid: number | undefined): Promise<void> {
  for (;;) {
    const rows = readFileSync(`/proc/${pid}/net/netlink`, 'utf8').split('\n').map((line) => line.trim().split(/\s+/));
    if (rows.some(([, , owner, groups]) => owner === String(pid) && Number.parseInt(groups ?? '0', 16) !== 0)) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
