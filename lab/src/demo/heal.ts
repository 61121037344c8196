import { systemClock } from '@ifactor/common';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { LabError } from '../cluster/error.ts';
import { netnsOf } from '../host/exec.ts';
import { machineOf } from '../host/machine.ts';
import type { Stage } from './stage.ts';

const backWithinMs = 20_000;

/**
 * Monitors the links of a netns. Prints `listening` once `ip monitor` has joined the multicast group. `ip` does not report
 * this itself, so it is read from /proc/PID/net/netlink.
 */
const script = `
nsenter --net="$1" ip -o monitor link & monitor=$!
trap 'kill $monitor' TERM
until awk -v pid=$monitor '$3 == pid && $4 !~ /^0*$/ { found = 1 } END { exit !found }' /proc/$monitor/net/netlink; do sleep 0.01; done
echo listening
wait $monitor`;

/**
 * Deletes a link in a container and waits for the kernel's notification of a new link of this name.
 * @returns how long the link was missing, in ms
 * @throws LabError if the link is not recreated in time
 */
export async function deleteAndAwait(stage: Stage, container: string, link: string): Promise<number> {
  const [program = '', ...args] = machineOf(stage.lab).argv([
    'sh',
    '-c',
    script,
    'sh',
    await netnsOf(stage.lab, container),
  ]);
  const monitor = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  promise.catch(() => {});
  const cancel = systemClock.after(
    backWithinMs,
    () => reject(new LabError(`${link} was deleted and is not back after ${backWithinMs / 1000} s`)),
    true,
  );
  monitor.once('error', reject);
  monitor.once('exit', (code) => reject(new LabError(`ip monitor ended (${code})`)));
  let gone: { index: string; time: number } | undefined;
  const about = new RegExp(`^(Deleted )?(\\d+): ${link}[@:]`);
  const listening = Promise.withResolvers<void>();
  createInterface(monitor.stdout).on('line', (line) => {
    if (line === 'listening') listening.resolve();
    const [, deleted, index] = about.exec(line) ?? [];
    if (index === undefined) return;
    if (deleted !== undefined) gone ??= { index, time: systemClock.monotonic() };
    // The kernel may still send notifications about the old link.
    else if (gone !== undefined && gone.index !== index) resolve(systemClock.monotonic() - gone.time);
  });
  try {
    await Promise.race([listening.promise, promise]);
    await stage.show(stage.exec(container, 'ip', 'link', 'del', link));
    return await promise;
  } finally {
    cancel();
    monitor.removeAllListeners('exit').kill();
  }
}
