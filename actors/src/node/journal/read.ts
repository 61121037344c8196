import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { upcast } from '@ifactor/crds';
import type { Key, RecordedEvent } from '@ifactor/crds';
import { guarded, JournalError } from './error.ts';
import type { Epoch } from './schema.ts';

/** `kind/namespace/name`: a key as the journal and CloudEvents' subject spell it. */
export const spellKey = ({ kind, namespace, name }: Key): string => `${kind}/${namespace}/${name}`;

/** Reads what `spellKey` wrote. */
export function parseKey(text: string): Key {
  const [kind = '', namespace = '', name = ''] = text.split('/');
  return { kind, namespace, name };
}

/** A range of events; both ends belong to it. `key` as `spellKey` writes it. */
export type EventRange = { from?: number; to?: number; key?: string };

/** An actor's folded state at `sequence`, as JSON of the machine's making; `body` null: it had finished by then. */
export type StoredSnapshot = { key: string; sequence: number; body: string | null };

/** What can be read from a journal, by the agent that writes it and by tools that inspect it. */
export type JournalRead = {
  readonly path: string;
  readonly node: string;
  readonly epochs: readonly Epoch[];
  /** Number of the first event that is kept; one above the last where none is. */
  first(): number;
  /** Number of the last event; 0 in a new journal. */
  last(): number;
  /** Events in order. */
  read(range?: EventRange): Generator<RecordedEvent>;
  /** Events that come after their actor's last snapshot, in order: what remains to be folded at start. */
  tail(): Generator<RecordedEvent>;
  /** The last snapshot of each actor that has one and is not finished. */
  snapshots(): StoredSnapshot[];
  /** The last snapshot of an actor at or before a sequence. */
  snapshotAt(key: string, sequence: number): StoredSnapshot | undefined;
  /** Number of the last event that happened by then, in milliseconds since 1970; 0 where none is kept. */
  sequenceAt(time: number): number;
  /** Keys that have events. */
  keys(): string[];
  close(): void;
};

type Row = { sequence: number; key: string; body: string };
/** What a row's body holds; the rest is in its columns. */
export type Body = Omit<RecordedEvent, 'id' | 'sequence' | 'node' | 'key'>;

const lastSnapshots = 'SELECT key, MAX(sequence) AS sequence FROM snapshot GROUP BY key';

/** The highest number given out. Events may all have been pruned; the numbers go on all the same. */
export function lastSequence(database: DatabaseSync): number {
  const row = database
    .prepare(
      `SELECT MAX(n) AS n FROM (
         SELECT MAX(sequence) AS n FROM event UNION ALL SELECT MAX(sequence) FROM snapshot
         UNION ALL SELECT json_extract(value, '$.sequence') FROM meta WHERE name = 'shipped')`,
    )
    .get() as { n: number | null };
  return row.n ?? 0;
}

/** @throws JournalError from each function, where the file turns out to be torn */
export function journalReads(
  database: DatabaseSync,
  path: string,
  node: string,
  epochs: readonly Epoch[],
): JournalRead {
  const record = ({ sequence, key, body }: Row): RecordedEvent => {
    const id = epochs.findLast((epoch) => epoch.first <= sequence)?.id ?? '';
    return upcast({
      ...(JSON.parse(body) as Body),
      id: `${node}.${id}.${sequence}`,
      sequence,
      node,
      key: parseKey(key),
    } as RecordedEvent);
  };
  const number = (sql: string): number =>
    guarded(path, () => (database.prepare(sql).get() as { n: number | null } | undefined)?.n ?? 0);
  const last = (): number => guarded(path, () => lastSequence(database));
  // Rows are fetched in pages, so that no statement stays open while the caller writes.
  function* page(sql: string, from: number, ...more: (string | number)[]): Generator<RecordedEvent> {
    const statement = guarded(path, () => database.prepare(`${sql} ORDER BY event.sequence LIMIT 10000`));
    for (let after = from - 1; ;) {
      const rows = guarded(path, () => statement.all(after, ...more)) as Row[];
      for (const row of rows) yield record(row);
      const end = rows.at(-1);
      if (end === undefined) return;
      after = end.sequence;
    }
  }
  return {
    path,
    node,
    epochs,
    first: () => number('SELECT MIN(sequence) AS n FROM event') || last() + 1,
    last,
    read: ({ from = 1, to = Number.MAX_SAFE_INTEGER, key } = {}) =>
      key === undefined
        ? page('SELECT sequence, key, body FROM event WHERE sequence > ? AND sequence <= ?', from, to)
        : page('SELECT sequence, key, body FROM event WHERE sequence > ? AND sequence <= ? AND key = ?', from, to, key),
    tail: () =>
      page(
        `SELECT event.sequence, event.key, event.body FROM event LEFT JOIN (${lastSnapshots}) AS seen USING (key)
         WHERE event.sequence > ? AND event.sequence > COALESCE(seen.sequence, 0)`,
        1,
      ),
    snapshots: () =>
      guarded(
        path,
        () =>
          database
            .prepare(
              `SELECT key, sequence, body FROM snapshot JOIN (${lastSnapshots}) USING (key, sequence) WHERE body IS NOT NULL`,
            )
            .all() as StoredSnapshot[],
      ),
    snapshotAt: (key, sequence) =>
      guarded(
        path,
        () =>
          database
            .prepare(
              'SELECT key, sequence, body FROM snapshot WHERE key = ? AND sequence <= ? ORDER BY sequence DESC LIMIT 1',
            )
            .get(key, sequence) as StoredSnapshot | undefined,
      ),
    sequenceAt: (time) =>
      guarded(path, () => {
        // Times are not indexed; they rise with the numbers.
        const probe = database.prepare(
          'SELECT sequence, time FROM event WHERE sequence >= ? AND sequence < ? ORDER BY sequence LIMIT 1',
        );
        let [low, high] = [0, lastSequence(database) + 1];
        while (high - low > 1) {
          const middle = Math.floor((low + high) / 2);
          const row = probe.get(middle, high) as { sequence: number; time: number } | undefined;
          if (row === undefined || row.time > time) high = middle;
          else low = row.sequence;
        }
        return low;
      }),
    keys: () =>
      guarded(path, () =>
        (database.prepare('SELECT DISTINCT key FROM event').all() as { key: string }[]).map(({ key }) => key),
      ),
    close: () => {
      if (database.isOpen) database.close();
    },
  };
}

/**
 * Opens a journal for reading, also while its agent runs.
 * @param folder state folder of the agent
 * @throws JournalError
 */
export function readJournal(folder: string): JournalRead {
  const path = join(folder, 'journal.db');
  if (!existsSync(path))
    throw new JournalError('NotWritable', `there is no journal in ${folder}: it is not the state folder of an agent`);
  return guarded(path, () => {
    const database = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
    const node = database.prepare("SELECT value FROM meta WHERE name = 'node'").get() as { value: string };
    return journalReads(
      database,
      path,
      node.value,
      database.prepare('SELECT first, id FROM epoch ORDER BY first').all() as Epoch[],
    );
  });
}
