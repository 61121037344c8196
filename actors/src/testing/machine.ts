import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openKernel } from '../netlink/index.ts';
import type { Bench } from '../netlink/suite.ts';

let count = 0;
const modules = join('/lib/modules', readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim());

/** Whether this machine's kernel has a kind; WireGuard it has in any case, by wireguard-go. */
export const machineSupports = (kind: string): boolean =>
  kind !== 'dummy'
  || ['', '.xz', '.zst', '.gz'].some((packed) => existsSync(join(modules, `kernel/drivers/net/dummy.ko${packed}`)))
  || existsSync(`/sys/module/${kind}`);

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
