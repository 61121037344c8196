/**
 * In a process of its own: the same bridges by actors alone, with a journal, or with a journal that is shipped to NATS meanwhile.
 * argv: netns path, count, `nothing` | `journal` | `ship`, NATS URL. Prints milliseconds until all are configured and until all are shipped.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog } from '@ifactor/common';
import { connectOnce, eventStoreOf } from '@ifactor/common/nats';
import { interfaceKeyOf, newFacts, Runner, Shipper, createNetnsResolver, systemRuntime } from '@ifactor/actors/node';
import { openJournal } from '@ifactor/actors/journal';
import type { RunnerOptions } from '@ifactor/actors/node';
import { openKernel } from '@ifactor/actors/kernel';
import type { Converging } from '../logReport.ts';
import { bridges, desired } from '../workload.ts';

const [path = '', count = '1000', mode = 'nothing', servers = ''] = process.argv.slice(2);
const stateDir = mkdtempSync(join(tmpdir(), 'ift-bench-'));
const kernel = openKernel({ stateDir });
const runtime = systemRuntime(createLog('bench', 'warn'));
const places = createNetnsResolver({ home: path }, { kernel, runtime });
// A node of its own, so that what an earlier run shipped is another's.
const node = path.slice(path.lastIndexOf('/') + 1);
const stored = openJournal(stateDir, { node });
const connection = mode === 'ship' ? await connectOnce({ servers, name: 'bench' }) : undefined;
const shipper = connection && new Shipper({ store: eventStoreOf(connection), journal: stored, runtime });
const journal = mode === 'nothing' ? forgetful(node) : stored;
const noSecrets = {
  resolve: () => {
    throw new Error('bridges have no secrets');
  },
  use: () => {
    throw new Error('bridges have no secrets');
  },
};
const messages = bridges(Number(count)).map((bridge) => JSON.stringify(desired(node, bridge)));

const healthy = new Set<string>();
const done = Promise.withResolvers<void>();
const runner = new Runner({
  places,
  journal,
  secrets: noSecrets,
  runtime,
  natsAnswers: async () => true,
});
runner.changed.subscribe(({ id, snapshot }) => {
  if (snapshot.value === 'configured') healthy.add(id);
  if (healthy.size === messages.length) done.resolve();
});
runner.stored.subscribe(() => shipper?.wake());
const keepAlive = setTimeout(() => done.reject(new Error(`only ${healthy.size} are configured`)), 120_000);

const start = performance.now();
for (const text of messages) {
  const message: ReturnType<typeof desired> = JSON.parse(text);
  const actor = runner.actor(interfaceKeyOf(message)!);
  for (const fact of newFacts(actor, message)) runner.tell(actor, fact, null);
}
await done.promise;
const took = performance.now() - start;
await shipper?.idle();
const shipped = performance.now() - start;
const events = stored.last();

clearTimeout(keepAlive);
runner.stop();
await shipper?.stop();
await connection?.close();
stored.close();
places.close();
await kernel.close();
rmSync(stateDir, { recursive: true });
console.log(JSON.stringify({ took, shipped, events } satisfies Converging));

/** A journal that counts and keeps nothing. */
function forgetful(of: string): RunnerOptions['journal'] {
  let sequence = 0;
  return {
    node: of,
    get sequence() {
      return sequence;
    },
    eventId: (at) => `${of}.none.${at}`,
    room: Number.POSITIVE_INFINITY,
    lost: null,
    append: (more) => void (sequence += more.length),
    saveSnapshot: () => undefined,
    forget: () => undefined,
    snapshots: () => [],
    *tail() {},
  };
}
