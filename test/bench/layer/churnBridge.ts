/**
 * In a process of its own, with --expose-gc: a bridge for many objects, whose API server makes them as they are listed. It publishes
 * them all; then another one starts that finds them published. argv: address of NATS, objects. Prints JSON.
 */
import { readFileSync } from 'node:fs';
import { startBridge } from '@ifactor/bridge';
import { createMemoryKube, quiet } from '@ifactor/bridge/testing';
import { connectOnce, ensureStreams } from '@ifactor/common/nats';
import { every, systemClock } from '@ifactor/common';
import type { NodeEntry } from '@ifactor/crds';
import { fleetNodes, objectOf } from '../fleet.ts';

export type BridgeCost = {
  /** Milliseconds until everything is published, and until a bridge is ready that finds it so. */
  published: number;
  ready: number;
  /** Bytes of heap at rest, and of the process at most. */
  heap: number;
  peak: number;
  /** Writes to the API server: there is nothing to write. */
  writes: number;
};

const [url = '', text] = process.argv.slice(2);
const count = Number(text);
const kube = createMemoryKube();
await kube.create(
  { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace' },
  {
    metadata: { name: 'kube-system' },
  },
);
const byName = new Map(Array.from({ length: count }, (_, index) => [objectOf(index).metadata.name, index]));
let writes = 0;
const ours = ({ plural }: { plural: string }): boolean => plural === 'netlinkinterfaces';
const live = (name: string) => objectOf(byName.get(name) ?? 0);
const api: typeof kube = {
  ...kube,
  async list(resource, page) {
    if (!ours(resource)) return kube.list(resource, page);
    const from = Number(page.from ?? 0);
    const end = Math.min(count, from + page.limit);
    const items = Array.from({ length: end - from }, (_, at) => objectOf(from + at));
    return { items, resourceVersion: '1', next: end < count ? String(end) : undefined };
  },
  async get(resource, target, signal) {
    return ours(resource) ? live(target.name) : kube.get(resource, target, signal);
  },
  async merge(resource, target, change, options) {
    if (!ours(resource)) return kube.merge(resource, target, change, options);
    writes++;
    return live(target.name);
  },
  async writeStatus(resource, target, status, options) {
    if (!ours(resource)) return kube.writeStatus(resource, target, status, options);
    writes++;
    return live(target.name);
  },
};

const agents = await connectOnce({ servers: url, name: 'bench' });
const bucket = await ensureStreams(agents);
async function beat(): Promise<void> {
  for (const node of fleetNodes) {
    const entry: NodeEntry = {
      node,
      hostname: `${node}.example`,
      version: '0.1.0',
      machine: 3,
      sealKey: 'XAB',
      journal: node,
      instance: node,
      time: new Date(systemClock.now()).toISOString(),
    };
    // A heartbeat may come late while this process publishes.
    await bucket.put(node, JSON.stringify(entry)).catch(() => undefined);
  }
}
let beating = beat();
await beating;
const stopBeating = every(systemClock, 10_000, () => void (beating = beat()));

function heap(): number {
  for (let turn = 0; turn < 3; turn++) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** A bridge until it is ready. */
async function start(): Promise<{ took: number; held: number }> {
  const connection = await connectOnce({ servers: url, name: 'bench bridge' });
  const stop = new AbortController();
  const before = heap();
  const begun = systemClock.monotonic();
  const bridge = startBridge({
    api,
    connection,
    settings: { identity: 'bench', leaseNamespace: 'default' },
    log: quiet,
    signal: stop.signal,
  });
  await bridge.ready;
  const took = systemClock.monotonic() - begun;
  const held = heap() - before;
  stop.abort();
  await bridge.stopped;
  await connection.close();
  return { took, held };
}

const first = await start();
const second = await start();
stopBeating();
await beating;
await agents.close();
const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;
const cost: BridgeCost = { published: first.took, ready: second.took, heap: second.held, peak, writes };
console.log(JSON.stringify(cost));
