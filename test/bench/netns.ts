/** A netns of its own for each measurement, and what `ip` shows in it. */
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Bridge } from './workload.ts';

export const run = promisify(execFile);

const made: string[] = [];

/** It stays until `deleteAllNetns`. */
export async function addNetns(label: string): Promise<string> {
  const name = `ift-${process.pid}-${label}`;
  await run('ip', ['netns', 'add', name]);
  made.push(name);
  await quiet(name);
  return name;
}

/** Whoever on the machine removes many links just now stops all others: that is not to be measured. */
async function quiet(name: string): Promise<void> {
  for (let rounds = 0; rounds < 3;) {
    const start = performance.now();
    await run('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
    rounds = performance.now() - start < 50 ? rounds + 1 : 0;
    await sleep(20);
  }
}

/**
 * Resolves when the kernel has removed them with all their links. For each bridge it waits 20 ms or so for RCU and lets nobody
 * else change any link meanwhile: so none is deleted before all is measured.
 */
export async function deleteAllNetns(): Promise<void> {
  if (made.length === 0) return;
  const keeper = await addNetns('keeper');
  // One end of a veth goes with the netns of the other.
  const sentinels: string[] = [];
  for (const [i, name] of made.splice(0).entries()) {
    if (name === keeper) continue;
    const sentinel = `gone${i}`;
    await run('ip', ['-n', name, 'link', 'add', 'sentinel', 'type', 'veth', 'peer', sentinel, 'netns', keeper]);
    await run('ip', ['netns', 'del', name]);
    sentinels.push(sentinel);
  }
  for (;;) {
    const { stdout } = await run('ip', ['-n', keeper, '-br', 'link']);
    if (!sentinels.some((sentinel) => stdout.includes(`${sentinel}@`))) break;
    await sleep(250);
  }
  await run('ip', ['netns', 'del', keeper]);
}

/** At once, without waiting for the kernel. */
export async function dropAllNetns(): Promise<void> {
  await Promise.all(made.splice(0).map((name) => run('ip', ['netns', 'del', name]).catch(() => {})));
}

type Shown = { ifname: string; mtu: number; flags: string[]; addr_info: { local: string; prefixlen: number }[] };

/** @throws Error that names the first bridges that are not as they should be, as `ip -j` shows them */
export async function verify(netns: string, list: readonly Bridge[]): Promise<void> {
  const { stdout } = await run('ip', ['-n', netns, '-j', 'address'], { maxBuffer: 64 << 20 });
  const links = new Map((JSON.parse(stdout) as Shown[]).map((link) => [link.ifname, link]));
  const wrong = list.filter(({ name, mtu, ipv4, ipv6 }) => {
    const link = links.get(name);
    const has = (address: string): boolean =>
      link?.addr_info.some(({ local, prefixlen }) => `${local}/${prefixlen}` === address) ?? false;
    return !(link?.mtu === mtu && link.flags.includes('UP') && has(ipv4) && has(ipv6.replace(/:0::/, '::')));
  });
  if (wrong.length > 0)
    throw new Error(
      `${wrong.length} of ${list.length} bridges are not as wanted, such as ${wrong
        .slice(0, 3)
        .map(({ name }) => name)
        .join(', ')}`,
    );
}
