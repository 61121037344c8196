/**
 * In a process of its own, with --expose-gc: heap that an agent holds for interfaces at rest. The kernel is one in memory; what it holds,
 * and the cache of its links, was there before and is not counted. argv: count. Prints JSON, in bytes for each.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog } from '@ifactor/common';
import { interfaceKeyOf, newFacts, Runner, systemRuntime } from '@ifactor/actors/node';
import { openJournal } from '@ifactor/actors/journal';
import { MemoryKernel } from '@ifactor/actors/testing';
import type { IdleBytes } from '../logReport.ts';
import { bridges, desired } from '../workload.ts';

const batch = 1000;
const count = Number(process.argv[2] ?? 100_000);
// Names of their own; there are not as many addresses to give.
const few = bridges(30_000);
const list = Array.from({ length: count }, (_, i) => ({ ...few[i % few.length]!, name: `br${i}` }));
const kernel = new MemoryKernel();
kernel.addNetns('/home');
const netns = await kernel.open('/home');

const empty = heap();
for (const { name, mtu, ipv4, ipv6 } of list) {
  await netns.createLink({ kind: 'bridge', name, mtu });
  const index = netns.link(name)?.index ?? (await netns.barrier(), netns.link(name)!.index);
  await netns.changeLink(index, { alias: `ifactor:default/netlinkinterface/${name}`, addrGenMode: 'none', up: true });
  for (const text of [ipv4, ipv6]) {
    const [local = '', prefixlen] = text.split('/');
    await netns.addAddress(index, {
      family: local.includes(':') ? 'inet6' : 'inet',
      local,
      peer: null,
      prefixlen: Number(prefixlen),
      noPrefixRoute: false,
    });
  }
}
await netns.barrier();
const cached = heap();

const folder = mkdtempSync(join(tmpdir(), 'ift-bench-'));
const journal = openJournal(folder, { node: 'n1' });
const noSecrets = {
  resolve: () => {
    throw new Error('bridges have no secrets');
  },
  use: () => {
    throw new Error('bridges have no secrets');
  },
};
let healthy = 0;
let done = Promise.withResolvers<void>();
const runner = new Runner({
  journal,
  runtime: systemRuntime(createLog('bench', 'warn')),
  secrets: noSecrets,
  natsAnswers: async () => true,
  places: {
    follow: (_, listener) => (queueMicrotask(() => listener({ netns })), () => undefined),
    close: () => undefined,
  },
});
runner.changed.subscribe(({ snapshot }) => {
  if (snapshot.value !== 'configured') return;
  healthy++;
  if (healthy % batch === 0 || healthy === count) done.resolve();
});
const keepAlive = setTimeout(() => done.reject(new Error(`only ${healthy} are configured`)), 300_000);
// As NATS brings them: each a text of its own.
for (let from = 0; from < count; from += batch) {
  done = Promise.withResolvers();
  for (const bridge of list.slice(from, from + batch)) {
    const message = JSON.parse(JSON.stringify(desired('n1', bridge))) as ReturnType<typeof desired>;
    const actor = runner.actor(interfaceKeyOf(message)!);
    for (const fact of newFacts(actor, message)) runner.tell(actor, fact, null);
  }
  await done.promise;
}
clearTimeout(keepAlive);
// As the runner does by itself, some each time.
runner.packIdle(count);
runner.packIdle(count);
const full = heap();
if (journal.last() !== 3 * count)
  throw new Error(`${journal.last()} events instead of three for each: they were not at rest`);
console.log(
  JSON.stringify({ count, actor: (full - cached) / count, link: (cached - empty) / count } satisfies IdleBytes),
);
runner.stop();
journal.close();
await kernel.close();
rmSync(folder, { recursive: true });

function heap(): number {
  for (let i = 0; i < 3; i++) globalThis.gc!();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}
