import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '@ifactor/common';
import { containerNetns } from './docker.ts';
import { LabError } from '../cluster/error.ts';
import { machineOf } from './machine.ts';
import type { Manifest } from '../cluster/manifest.ts';
import { inode, netnsPath, nodeNetns } from './netns.ts';
import { pathsOf } from '../cluster/paths.ts';

/**
 * As `ip netns exec` does: a private mount namespace, in which /sys shows the netns. /var/run/wireguard holds only the
 * sockets of the wireguard-go links in the netns, so that `wg` finds no others.
 */
const script = `
umount -l /sys 2>/dev/null; mount -t sysfs sysfs /sys 2>/dev/null
mkdir -p /var/run/wireguard && mount -t tmpfs -o mode=0700 wireguard /var/run/wireguard || exit 1
while [ "$1" != -- ]; do ln -s "$1" /var/run/wireguard/; shift; done
shift
exec "$@"`;

/**
 * Runs one of the host's programs in the netns of a node or a container.
 * @returns its exit code, as a shell would give it
 * @throws UsageError on a name that is neither
 */
export async function exec(lab: Manifest, name: string, command: string[]): Promise<number> {
  const netns = await netnsOf(lab, name);
  const inside = [
    'nsenter',
    `--net=${netns}`,
    'unshare',
    '--mount',
    '--propagation',
    'slave',
    'sh',
    '-c',
    script,
    'sh',
    ...socketsIn(lab, netns),
    '--',
    ...command,
  ];
  const [program = '', ...args] = machineOf(lab).argv(inside);
  const child = spawn(program, args, { stdio: 'inherit' });
  // The terminal sends its signals to the command too, which handles them.
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) process.on(signal, () => {});
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  const [code, by] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return code ?? 128 + (by ? constants.signals[by] : 0);
}

/** Netns file of a node (its home) or a container. @throws UsageError on a name that is neither */
export async function netnsOf(lab: Manifest, name: string): Promise<string> {
  if (lab.nodes.some((node) => node.name === name)) return existing(lab, netnsPath(nodeNetns(lab.id, name)));
  const container = lab.containers.find((one) => one.name === name || one.real === name);
  if (container)
    return lab.runtime === 'docker' ? containerNetns(container.real) : existing(lab, netnsPath(container.real));
  const names = [...lab.nodes, ...lab.containers].map((one) => one.name);
  throw new UsageError(`no node or container ${name} in this lab: choose one of ${names.join(', ')}`);
}

function existing({ vm }: Manifest, path: string): string {
  // In a virtual machine, nsenter reports the missing netns.
  if (!vm && inode(path) === undefined)
    throw new LabError(`${path} is gone: end the lab with \`ifactor lab down\` and start it again`);
  return path;
}

/** Sockets made by the agent of any node. The kernel of a virtual machine supports WireGuard, so it has no such sockets. */
function socketsIn({ dir, nodes, vm }: Manifest, netns: string): string[] {
  if (vm) return [];
  return nodes.flatMap(({ name }) => {
    const folder = join(pathsOf(dir).agent(name), 'wireguard', String(inode(netns)));
    return existsSync(folder) ? readdirSync(folder).map((file) => join(folder, file)) : [];
  });
}
