import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { UsageError } from '@ifactor/common';
import type { Age } from '../vm/debian.ts';
import type { LabContainer, LabNode } from './manifest.ts';

/** What `lab up` is asked for; `dir` is absolute. */
export type UpOptions = {
  dir: string;
  nodes: LabNode[];
  containers: Pick<LabContainer, 'name'>[];
  runtime: 'docker' | 'netns' | 'auto';
  /** Nodes and containers are in a virtual machine with this kernel of Debian's. */
  vm?: Age;
  kubeconfig?: string;
  /** Whether a cluster that a bridge may serve already is meant. */
  force?: boolean;
};

const name = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const containerName = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

/** `NAME` or `NAME=ADDRESS/LEN`; the nth node's default address is 192.0.2.n/24. @throws UsageError */
export function parseNodes(values: string[]): LabNode[] {
  const nodes = values.map((value, index) => {
    const [node = '', given] = value.split('=', 2);
    if (!name.test(node) || node.length > 63)
      throw new UsageError(`--node ${value}: a node's name has a-z, 0-9 and "-" only, as in Kubernetes`);
    return { name: node, address: given === undefined ? `192.0.2.${index + 1}/24` : prefix(value, given) };
  });
  distinct(
    '--node',
    nodes.map((node) => node.name),
  );
  distinct(
    '--node address',
    nodes.map((node) => node.address.split('/')[0] ?? ''),
  );
  if (nodes.length > 250) throw new UsageError('--node: at most 250 nodes');
  return nodes;
}

/** @throws UsageError */
export function parseContainers(values: string[]): { name: string }[] {
  for (const value of values) {
    if (!containerName.test(value) || value.length > 100)
      throw new UsageError(`--container ${value}: a container's name has letters, digits, ".", "_" and "-" only`);
  }
  distinct('--container', values);
  return values.map((value) => ({ name: value }));
}

/** Absolute folder of the lab. */
export function labDir(given: string | undefined): string {
  return fromCaller(given ?? '.lab');
}

/** A path as the caller means it: `npm run lab` works in the repository's folder, wherever it was typed. */
export function fromCaller(path: string): string {
  const { npm_lifecycle_event: script, INIT_CWD: caller } = process.env;
  return script === 'lab' && caller !== undefined ? resolve(caller, path) : resolve(path);
}

function prefix(value: string, given: string): string {
  const [address = '', length = '', ...more] = given.split('/');
  const most = isIP(address) === 6 ? 128 : 32;
  if (isIP(address) === 0 || !/^\d+$/.test(length) || Number(length) < 1 || Number(length) > most || more.length > 0) {
    throw new UsageError(`--node ${value}: give ADDRESS/LEN after the "=", such as 192.0.2.1/24 or 2001:db8::1/64`);
  }
  return given;
}

function distinct(flag: string, values: string[]): void {
  const twice = values.find((value, index) => values.indexOf(value) !== index);
  if (twice !== undefined) throw new UsageError(`${flag} ${twice} is given twice`);
}
