import type { DatabaseSync } from 'node:sqlite';

/** Events older than `maxAge` milliseconds go, and the oldest ones while the file is larger than `maxBytes`. */
export type Limits = { maxAge: number; maxBytes: number; now: number };

/** `heldBy`: actors whose last snapshot is too old for the limits to be met; save a new one of each and prune again. */
export type Pruned = { removed: number; first: number; heldBy: string[] };

/**
 * Drops the journal's oldest events, a prefix so that no gap appears; never one that is not shipped, or that a live
 * actor still needs on top of its last snapshot. To be called in a transaction.
 */
export function prune(database: DatabaseSync, journal: { sequence: number; shipped: number }, limits: Limits): Pruned {
  const number = (sql: string, ...values: number[]): number =>
    (database.prepare(sql).get(...values) as { n: number | null }).n ?? 0;
  const oldest = limits.now - limits.maxAge;
  const aged = number(
    'SELECT MAX(sequence) AS n FROM event WHERE sequence < (SELECT MIN(sequence) FROM event WHERE time >= ?)',
    oldest,
  );
  const young = number('SELECT COUNT(*) AS n FROM event WHERE time >= ?', oldest);
  const wanted = Math.min(
    journal.shipped,
    Math.max(young === 0 ? journal.sequence : aged, oversized(database, number, limits.maxBytes)),
  );

  // An idle actor's snapshot holds as well at a later place, as long as no event of its own lies between.
  database
    .prepare(
      `INSERT OR IGNORE INTO snapshot (key, sequence, body)
         SELECT key, ?1, body FROM snapshot JOIN (SELECT key, MAX(sequence) AS sequence FROM snapshot GROUP BY key) USING (key, sequence)
         WHERE sequence < ?1 AND NOT EXISTS (
           SELECT 1 FROM event WHERE event.key = snapshot.key AND event.sequence > snapshot.sequence AND event.sequence <= ?1)`,
    )
    .run(wanted);
  const held = database
    .prepare(
      `SELECT event.key, MIN(event.sequence) AS sequence FROM event
         LEFT JOIN (SELECT key, MAX(sequence) AS sequence FROM snapshot GROUP BY key) AS seen USING (key)
         WHERE event.sequence > COALESCE(seen.sequence, 0) AND event.sequence <= ? GROUP BY event.key`,
    )
    .all(wanted) as { key: string; sequence: number }[];
  const until = held.reduce((least, { sequence }) => Math.min(least, sequence - 1), wanted);

  const removed = Number(database.prepare('DELETE FROM event WHERE sequence <= ?').run(until).changes);
  // Markers of finished actors whose events are gone, and snapshots that a later one before the first event outdates.
  database.prepare('DELETE FROM snapshot WHERE body IS NULL AND sequence <= ?').run(until);
  database
    .prepare(
      'DELETE FROM snapshot WHERE sequence < (SELECT MAX(s.sequence) FROM snapshot AS s WHERE s.key = snapshot.key AND s.sequence <= ?)',
    )
    .run(until);
  database.exec('PRAGMA incremental_vacuum');
  return { removed, first: until + 1, heldBy: held.map(({ key }) => key) };
}

/** The last of the oldest events that must go for the file to fit; by the average size of an event. */
function oversized(database: DatabaseSync, number: (sql: string) => number, maxBytes: number): number {
  const pragma = (name: string): number => Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0] as number;
  const bytes = (pragma('page_count') - pragma('freelist_count')) * pragma('page_size');
  const events = number('SELECT COUNT(*) AS n FROM event');
  if (bytes <= maxBytes || events === 0) return 0;
  return number('SELECT MIN(sequence) AS n FROM event') - 1 + Math.ceil(events * (1 - maxBytes / bytes));
}
