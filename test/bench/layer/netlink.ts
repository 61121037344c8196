/** In a process of its own: the same bridges by the netlink layer alone. argv: netns path, count. Prints milliseconds. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KernelAddress, Netns } from '@ifactor/actors/kernel';
import { openKernel } from '@ifactor/actors/kernel';
import { bridges, type Bridge } from '../workload.ts';

const [path = '', count = '1000'] = process.argv.slice(2);
const stateDir = mkdtempSync(join(tmpdir(), 'ift-bench-'));
const kernel = openKernel({ stateDir });
const netns = await kernel.open(path);
const list = bridges(Number(count));

const start = performance.now();
await Promise.all(list.map((bridge) => make(netns, bridge)));
await netns.barrier();
const took = performance.now() - start;

await kernel.close();
rmSync(stateDir, { recursive: true });
console.log(JSON.stringify(took));

/** As an actor's operations do it: make, mark, addresses. */
async function make(at: Netns, { name, mtu, ipv4, ipv6 }: Bridge): Promise<void> {
  await at.createLink({ kind: 'bridge', name, mtu });
  await at.barrier();
  const index = at.link(name)!.index;
  await at.changeLink(index, { alias: `ifactor:default/netlinkinterface/${name}`, addrGenMode: 'none', up: true });
  await at.addAddress(index, address('inet', ipv4));
  await at.addAddress(index, address('inet6', ipv6));
}

function address(family: KernelAddress['family'], text: string): KernelAddress {
  const [local = '', prefixlen] = text.split('/');
  return { family, local, peer: null, prefixlen: Number(prefixlen), noPrefixRoute: false };
}
