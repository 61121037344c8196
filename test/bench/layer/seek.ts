/**
 * In a process of its own: seeks at random points of a journal of many events, as `ifactor replay --at` does them on a node, beside what
 * SQLite alone takes to find one event. argv: events. Prints JSON, in milliseconds.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { RecordedEvent } from '@ifactor/crds';
import { someKey, someLives } from '@ifactor/actors/testing';
import { seek } from '@ifactor/cli';
import { openJournal, readJournal, spellKey } from '@ifactor/actors/journal';
import { fold, freeze, initial } from '@ifactor/actors';
import type { SeekTimes } from '../logReport.ts';

const count = Number(process.argv[2] ?? 1_000_000);
const tries = 2000;
const keys = Array.from({ length: 100 }, (_, i) => someKey(`br${i}`));
const folder = mkdtempSync(join(tmpdir(), 'ift-bench-'));
try {
  console.log(JSON.stringify(measure()));
} finally {
  rmSync(folder, { recursive: true });
}

function measure(): SeekTimes {
  fill();
  const journal = readJournal(folder);
  const first = time(() => seek(journal, keys[0]!, { sequence: count }));
  const points = Array.from({ length: tries }, () => ({
    key: keys[Math.floor(Math.random() * keys.length)]!,
    sequence: keys.length + Math.floor(Math.random() * (count - keys.length)),
  }));
  const byNumber = points.map(({ key, sequence }) => time(() => seek(journal, key, { sequence })));
  const begin = Date.parse([...journal.read({ from: 1, to: 1 })][0]!.time);
  const end = Date.parse([...journal.read({ from: count, to: count })][0]!.time);
  const byTime = points.map(({ key, sequence }) =>
    time(() => seek(journal, key, { time: begin + ((end - begin) * sequence) / count + 60_000 })),
  );
  journal.close();
  const database = new DatabaseSync(join(folder, 'journal.db'), { readOnly: true });
  const one = database.prepare('SELECT body FROM event WHERE sequence = ?');
  const row = points.map(({ sequence }) => time(() => JSON.parse((one.get(sequence) as { body: string }).body)));
  database.close();
  return {
    events: count,
    megabytes: statSync(join(folder, 'journal.db')).size / 2 ** 20,
    first,
    byNumber,
    byTime,
    row,
  };
}

function time(run: () => unknown): number {
  const start = performance.now();
  if (run() === undefined) throw new Error('nothing was found');
  return performance.now() - start;
}

/** As a runner writes: in groups, and of each actor a snapshot after every 200 events. */
function fill(): void {
  const journal = openJournal(folder, { node: 'bench' });
  const actors = new Map(keys.map((key) => [key.name, { snapshot: initial(key), unsaved: 0 }]));
  let group: RecordedEvent[] = [];
  for (const event of someLives(journal, keys)) {
    group.push(event);
    if (group.length < 1000 && event.sequence < count) continue;
    journal.append(group);
    for (const one of group) {
      const actor = actors.get(one.key.name)!;
      actor.snapshot = fold(actor.snapshot, one).snapshot;
      if (++actor.unsaved < 200 || actor.snapshot.context.running !== null) continue;
      journal.saveSnapshot(spellKey(one.key), one.sequence, JSON.stringify(freeze(actor.snapshot)));
      actor.unsaved = 0;
    }
    group = [];
    if (event.sequence >= count) break;
  }
  journal.close();
}
