import { statSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { LabError } from '../cluster/error.ts';
import { systemClock } from '@ifactor/common';
import { endProcesses, identify } from '@ifactor/common/proc';
import type { Manifest } from '../cluster/manifest.ts';
import { host, machineOf, mustThere, type Machine } from './machine.ts';

/** Where `ip netns` keeps its names. */
const netnsFolder = '/run/netns';

/** Every netns of a lab has a name with this prefix, by which it is found again. */
export function netnsPrefix(id: string): string {
  return `ifactor-${id}-`;
}

export function nodeNetns(id: string, node: string): string {
  return `${netnsPrefix(id)}${node}`;
}

export function netnsPath(name: string): string {
  return join(netnsFolder, name);
}

/** Names with a dot first are legal in no Kubernetes name, so these clash with no node's. */
const underlay = (id: string) => `${netnsPrefix(id)}.underlay`;
const own = (id: string, container: string) => `${netnsPrefix(id)}.container.${container}`;

/** Makes each node's home netns, connected by a bridge in a separate netns. Nothing is made in the user's netns. */
export async function makeNodes(lab: Pick<Manifest, 'id' | 'nodes' | 'dir' | 'vm'>): Promise<void> {
  const { id, nodes } = lab;
  const machine = machineOf(lab);
  const names = [underlay(id), ...nodes.map(({ name }) => nodeNetns(id, name))];
  await batch(
    machine,
    undefined,
    names.map((name) => `netns add ${name}`),
  );
  await batch(machine, underlay(id), [
    'link set lo up',
    'link add underlay0 type bridge',
    'link set underlay0 up',
    ...nodes.flatMap(({ name }, index) => [
      `link add node${index} type veth peer name underlay0 netns ${nodeNetns(id, name)}`,
      `link set node${index} master underlay0 up`,
    ]),
  ]);
  await Promise.all(
    nodes.map(({ name, address }) =>
      batch(machine, nodeNetns(id, name), [
        'link set lo up',
        // An address that is still being looked for on the link cannot be used by the first handshake.
        `address add ${address} dev underlay0${address.includes(':') ? ' nodad' : ''}`,
        'link set underlay0 up',
      ]),
    ),
  );
}

/**
 * Makes a netns that serves as a container. The prefix of its first name marks it as the lab's; the name that users type
 * is a second name of the same netns.
 * @returns the name that was free: the container's, or with the lab's id
 */
export async function makeContainer(lab: Pick<Manifest, 'id' | 'dir' | 'vm'>, name: string): Promise<string> {
  const { id } = lab;
  const machine = machineOf(lab);
  await mustThere(machine, 'ip', ['netns', 'add', own(id, name)]);
  await batch(machine, own(id, name), ['link set lo up']);
  for (const real of [name, `${name}-${id}`]) {
    const { code, stderr } = await machine.capture('nsenter', [
      `--net=${netnsPath(own(id, name))}`,
      'sh',
      '-c',
      'exec ip netns attach "$1" $$',
      'sh',
      real,
    ]);
    if (code === 0) return real;
    if (!stderr.includes('File exists'))
      throw new LabError(`ip netns attach ${real} failed (${code}): ${stderr.trim()}`);
  }
  return own(id, name);
}

/** Names of netns there. */
export async function netnsNamesOf(lab: Pick<Manifest, 'dir' | 'vm'>): Promise<string[]> {
  return !lab.vm
    ? netnsNames()
    : (await machineOf(lab).capture('ls', [netnsFolder])).stdout.split('\n').filter(Boolean);
}

/** Removes every netns of the lab on this machine and ends its processes. A netns that no longer exists is not an error. */
export async function removeNetns(id: string): Promise<string[]> {
  const names = netnsNames();
  const ours = names.filter((name) => name.startsWith(netnsPrefix(id)));
  const inodes = new Set(ours.map((name) => inode(netnsPath(name))));
  // Includes other names of our netns, made by any program: each name keeps its netns alive.
  const removed = [...names.filter((name) => !ours.includes(name) && inodes.has(inode(netnsPath(name)))), ...ours];
  for (const name of removed) await endInside(name);
  // Containers' first: their links may depend on links in the nodes' netns.
  for (const name of removed.toSorted((a, b) => Number(b.includes('.container.')) - Number(a.includes('.container.'))))
    await removeOne(name);
  return removed;
}

export function netnsNames(): string[] {
  try {
    return readdirSync(netnsFolder);
  } catch {
    return [];
  }
}

/** Number of the netns behind a file; undefined if the file is missing. */
export function inode(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

async function removeOne(name: string): Promise<void> {
  const { code } = await host.capture('ip', ['netns', 'del', name]);
  // Left by a crash between the file and its mount: no netns, only an empty file.
  if (code !== 0) rmSync(netnsPath(name), { force: true });
}

async function endInside(name: string): Promise<void> {
  const { stdout } = await host.capture('ip', ['netns', 'pids', name]);
  const inside = stdout.split('\n').flatMap((pid) => (pid === '' ? [] : (identify(Number(pid)) ?? [])));
  await endProcesses(systemClock, inside, 'SIGTERM', 1000);
}

/** @throws LabError with the message of `ip`, which names the line */
async function batch(machine: Machine, netns: string | undefined, lines: string[]): Promise<void> {
  await mustThere(machine, 'ip', [...(netns === undefined ? [] : ['-n', netns]), '-batch', '-'], {
    input: `${lines.join('\n')}\n`,
  });
}
