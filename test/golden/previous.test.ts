import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fold, freeze } from '@ifactor/actors';
import type { Snapshot } from '@ifactor/actors';
import { openJournal } from '@ifactor/actors/journal';
import { MemoryKernel, TestNode } from '@ifactor/actors/testing';
import { lived, replay } from '@ifactor/cli';
import { machineVersion, states } from '@ifactor/crds';
import type { RecordedEvent } from '@ifactor/crds';
import { describe, expect, test } from 'vitest';
import { folder, logNames, readLog, spell } from './golden.ts';

/* A golden journal is opened by the version before the one that wrote it: to this version, each is one of the next. */

const next = machineVersion + 1;
const node = 'n1';

/** What the next version records, and this one does not know. */
const unknown = { type: 'LinkMeasured', state: 'resting', data: { mood: 'fine' } } as unknown as RecordedEvent;

/** The lives of a log, told by the next version: each has an event in its middle that nobody knows here. */
function* told(log: readonly RecordedEvent[]): Generator<RecordedEvent> {
  for (const [, events] of Map.groupBy(log, ({ key }) => spell(key))) {
    for (const [at, event] of lived(events).entries()) {
      yield event;
      if (at === Math.floor(events.length / 2)) yield { ...event, ...unknown };
    }
  }
}

/** The beginning of each life: most logs end with everything deleted. */
const beginnings = (log: readonly RecordedEvent[], part: number): RecordedEvent[] =>
  [...Map.groupBy(log, ({ key }) => spell(key)).values()].flatMap((events) =>
    events.slice(0, Math.ceil(events.length * part)),
  );

/** What each life comes to by the code at hand, but for those that are over. */
function ends(log: readonly RecordedEvent[]): Map<string, Snapshot> {
  const found = new Map<string, Snapshot>();
  for (const [actor, events] of Map.groupBy(log, ({ key }) => spell(key)))
    for (const { snapshot } of replay(lived(events))) found.set(actor, snapshot);
  for (const [actor, { value, context }] of found)
    if (value === 'deleted' && context.deletion?.gone) found.delete(actor);
  return found;
}

/** A state folder as an agent of the next version leaves it. @param half of each life is in a snapshot */
function folderOf(log: readonly RecordedEvent[], snapshots: ReadonlyMap<string, Snapshot>): string {
  const path = mkdtempSync(join(tmpdir(), 'ift-golden-'));
  const journal = openJournal(path, { node });
  journal.append(
    [...told(log)].map((event, at) => ({
      ...event,
      node,
      sequence: at + 1,
      id: journal.eventId(at + 1),
      machine: next,
    })),
  );
  for (const [actor, snapshot] of snapshots) {
    const { context } = freeze(snapshot);
    const later = {
      machine: next,
      value: 'resting',
      context: { ...context, mood: 'fine', observed: { shape: 'new' } },
    };
    journal.saveSnapshot(actor, journal.last(), JSON.stringify(later));
  }
  journal.close();
  return path;
}

const names = logNames();

describe.each(names)('the golden journal %s', (name) => {
  test.each(['events', 'snapshots'])(
    'opens by its %s in the version before: it keeps what it understands, and says so',
    async (by) => {
      const kernel = new MemoryKernel();
      kernel.addNetns('home');
      const log = await readLog(join(folder, `${name}.jsonl`));
      const nodes = [...Map.groupBy(log, (event) => event.node).values()];
      for (const events of nodes.flatMap((all) => [0.4, 0.8].map((part) => beginnings(all, part)))) {
        const known = ends(events);
        expect(known.size).toBeGreaterThan(0);
        const opened = new TestNode({
          kernel,
          path: () => 'home',
          folder: folderOf(events, by === 'events' ? new Map() : known),
        });
        try {
          opened.runner.restore('the version before');
          const before = opened.journal.last();
          opened.runner.flush();
          const started = [...opened.journal.read({ from: before + 1 })].filter(({ type }) => type === 'AgentStarted');
          expect(started.map(({ key }) => spell(key)).toSorted()).toEqual([...known.keys()].toSorted());
          for (const event of started) {
            expect(event).toMatchObject({ machine: machineVersion, data: { later: next } });
            expect(states).toContain(event.state);
          }
          for (const [actor, end] of known) {
            // As an agent of one version that starts again.
            const again = fold(end, { type: 'AgentStarted', time: new Date(0).toISOString(), data: { version: '' } });
            const kept = opened.runner.actors.get(actor)?.snapshot.context;
            for (const field of ['desired', 'spec', 'deletion', 'paused', 'secrets', 'confirm'] as const)
              expect(kept?.[field], `${field} of ${actor}`).toEqual(again.snapshot.context[field]);
          }
        } finally {
          opened.dispose();
        }
      }
    },
  );
});
