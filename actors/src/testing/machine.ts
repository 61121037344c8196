import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openKernel } from '../kernel/index.ts';
import type { Bench } from './kernel/suite.ts';

let count = 0;

/** What `ip link add trial0` needs beside the kind. */
const trials: Readonly<Record<string, string>> = {
  dummy: 'type dummy',
  vlan: 'link base0 type vlan id 5',
  macvlan: 'link base0 type macvlan',
  vrf: 'type vrf table 10',
  ipip: 'type ipip local 127.0.0.1 remote 127.0.0.2',
  gre: 'type gre local 127.0.0.1 remote 127.0.0.2',
};
const tried = new Map<string, boolean>();

/** Whether this machine's kernel has a kind: tried in a netns that ends with the trial. WireGuard it has in any case, by wireguard-go. */
export function machineSupports(kind: string): boolean {
  const trial = trials[kind];
  if (trial === undefined) return true;
  const known = tried.get(kind);
  if (known !== undefined) return known;
  const script = `ip link add base0 type bridge && ip link add trial0 ${trial}`;
  const { status } = spawnSync('unshare', ['--net', 'sh', '-c', script], { stdio: 'ignore' });
  tried.set(kind, status === 0);
  return status === 0;
}

/** Kinds that this machine's kernel does not have. */
export const machineLacks = (): string[] => Object.keys(trials).filter((kind) => !machineSupports(kind));

/** This machine's kernel, with netns of the test's own that go when it closes. Needs root. */
export async function openMachine(): Promise<Bench> {
  const stateDir = mkdtempSync(join(tmpdir(), 'ift-netlink-'));
  const kernel = openKernel({ stateDir, report: () => {} });
  const names = new Set<string>();
  const remove = (name: string): void => {
    names.delete(name);
    execFileSync('ip', ['netns', 'del', name]);
  };
  return {
    kernel,
    supports: machineSupports,
    async addNetns() {
      const name = `ift-${process.pid}-${count++}`;
      execFileSync('ip', ['netns', 'add', name]);
      names.add(name);
      return `/run/netns/${name}`;
    },
    async removeNetns(path) {
      remove(path.replace('/run/netns/', ''));
    },
    async close() {
      const folder = join(stateDir, 'wireguard-go');
      for (const entry of existsSync(folder) ? readdirSync(folder) : []) {
        const { pid } = JSON.parse(readFileSync(join(folder, entry, 'record.json'), 'utf8')) as { pid: number };
        try {
          process.kill(pid);
        } catch {
          // Gone already.
        }
      }
      await kernel.close();
      for (const name of names) remove(name);
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}
