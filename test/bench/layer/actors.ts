/** In a process of its own: the same bridges by actors and journal, without NATS. argv: netns path, count. Prints milliseconds. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog } from '@ifactor/common';
import { interfaceKeyOf, newFacts, Runner, createNetnsResolver, systemRuntime } from '@ifactor/actors/node';
import { openJournal } from '@ifactor/actors/journal';
import { openKernel } from '@ifactor/actors/kernel';
import { bridges, desired } from '../workload.ts';

const [path = '', count = '1000'] = process.argv.slice(2);
const stateDir = mkdtempSync(join(tmpdir(), 'ift-bench-'));
const kernel = openKernel({ stateDir });
const runtime = systemRuntime(createLog('bench', 'warn'));
const places = createNetnsResolver({ home: path }, { kernel, runtime });
const journal = openJournal(stateDir, { node: 'bench' });
const noSecrets = {
  resolve: () => {
    throw new Error('bridges have no secrets');
  },
  use: () => {
    throw new Error('bridges have no secrets');
  },
};
const messages = bridges(Number(count)).map((bridge) => JSON.stringify(desired('bench', bridge)));

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
const keepAlive = setTimeout(() => done.reject(new Error(`only ${healthy.size} are configured`)), 120_000);

const start = performance.now();
for (const text of messages) {
  const message: ReturnType<typeof desired> = JSON.parse(text);
  const actor = runner.actor(interfaceKeyOf(message)!);
  for (const fact of newFacts(actor, message)) runner.tell(actor, fact, null);
}
await done.promise;
const took = performance.now() - start;

clearTimeout(keepAlive);
runner.stop();
journal.close();
places.close();
await kernel.close();
rmSync(stateDir, { recursive: true });
console.log(JSON.stringify(took));
