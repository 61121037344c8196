/** A netns of its own for each repetition, and what `ip` shows in it. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Bridge } from './workload.ts';

export const run = promisify(execFile);

const made = new Set<string>();

export async function addNetns(label: string): Promise<string> {
  const name = `ift-${process.pid}-${label}`;
  await run('ip', ['netns', 'add', name]);
  made.add(name);
  return name;
}

export async function deleteNetns(name: string): Promise<void> {
  if (made.delete(name)) await run('ip', ['netns', 'del', name]);
}

export async function deleteAllNetns(): Promise<void> {
  await Promise.all([...made].map((name) => deleteNetns(name).catch((error: unknown) => console.error(error))));
}

type Shown = { ifname: string; mtu: number; flags: string[]; addr_info: { local: string; prefixlen: number }[] };

/** @throws Error that names the first bridges that are not as they should be, as `ip -j` shows them */
export async function verify(netns: string, list: readonly Bridge[]): Promise<void> {
  const { stdout } = await run('ip', ['-n', netns, '-j', 'address'], { maxBuffer: 64 << 20 });
  const links = new Map((JSON.parse(stdout) as Shown[]).map((link) => [link.ifname, link]));
  const wrong = list.filter(({ name, mtu, ipv4, ipv6 }) => {
    const link = links.get(name);
    const has = (address: string): boolean => link?.addr_info.some(({ local, prefixlen }) => `${local}/${prefixlen}` === address) ?? false;
    return !(link?.mtu === mtu && link.flags.includes('UP') && has(ipv4) && has(ipv6.replace(/:0::/, '::')));
  });
  if (wrong.length > 0) throw new Error(`${wrong.length} of ${list.length} bridges are not as wanted, such as ${wrong.slice(0, 3).map(({ name }) => name).join(', ')}`);
}
