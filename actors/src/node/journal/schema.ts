import { randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { bootId } from '@ifactor/common/proc';
import { JournalError } from './error.ts';

/** Raised with every change of the tables below; an older file is brought up to it, a newer one is refused. */
const schemaVersion = 1;

const tables = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  -- From sequence \`first\` on, events carry this journal id.
  CREATE TABLE epoch (first INTEGER PRIMARY KEY, id TEXT NOT NULL, boot TEXT NOT NULL) STRICT;
  CREATE TABLE event (sequence INTEGER PRIMARY KEY, key TEXT NOT NULL, time INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
  CREATE INDEX event_key ON event (key, sequence);
  -- body NULL: the actor had finished at this sequence.
  CREATE TABLE snapshot (key TEXT NOT NULL, sequence INTEGER NOT NULL, body TEXT, PRIMARY KEY (key, sequence)) STRICT, WITHOUT ROWID;
  CREATE TABLE desired (key TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

/** Tables that an older version does without: they raise no version. */
const laterTables = `
  -- The highest revision of each desired object that was accepted since the key of its signer was chosen.
  CREATE TABLE IF NOT EXISTS revision (key TEXT PRIMARY KEY, revision INTEGER NOT NULL, since TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

/** A stretch of the journal whose events carry one journal id. */
export type Epoch = { id: string; first: number };

/** Makes the tables of a new file, checks those of an old one. @throws JournalError Newer, OtherNode, Torn; SQLite's own errors */
export function prepare(database: DatabaseSync, path: string, node: string): void {
  const { user_version: version } = database.prepare('PRAGMA user_version').get() as { user_version: number };
  if (version > schemaVersion) {
    throw new JournalError(
      'Newer',
      `the journal ${path} was written by a later version of ifactor (schema ${version}, this one knows ${schemaVersion}); run that version, or set the file aside`,
    );
  }
  if (version === 0) {
    database.exec(`BEGIN; ${tables} ${laterTables} PRAGMA user_version = ${schemaVersion}; COMMIT`);
    database.prepare("INSERT INTO meta VALUES ('node', ?)").run(node);
    return;
  }
  const checks = database.prepare('PRAGMA quick_check(1)').all() as { quick_check: string }[];
  if (checks[0]?.quick_check !== 'ok') {
    throw new JournalError(
      'Torn',
      `the journal ${path} is damaged; set it aside and start a new one`,
      checks[0]?.quick_check,
    );
  }
  const row = database.prepare("SELECT value FROM meta WHERE name = 'node'").get() as { value: string } | undefined;
  if (row?.value !== node) {
    throw new JournalError(
      'OtherNode',
      `the journal ${path} is of node ${row?.value}, not ${node}; give each node a state folder of its own`,
    );
  }
  database.exec(laterTables);
}

/**
 * The journal's epochs, the last of them fit to write in. Each run of the agent begins one with an id of its own: a journal that
 * went backwards (a power cut, a restored folder, a rolled back volume, a cloned machine) gives numbers out again that were
 * shipped before, and event ids must stay unique.
 */
export function openEpochs(database: DatabaseSync, sequence: number): Epoch[] {
  const boot = bootId();
  const rows = database.prepare('SELECT first, id FROM epoch ORDER BY first').all() as Epoch[];
  const id = randomBytes(5).toString('hex');
  const first = sequence + 1;
  // An epoch in which nothing was written makes room, but for the first one, by which the folder is known.
  if (rows.length > 1 && rows.at(-1)?.first === first) {
    database.prepare('DELETE FROM epoch WHERE first = ?').run(first);
    rows.pop();
  }
  if (rows.at(-1)?.first === first) return rows.map(({ id: known, first: from }) => ({ id: known, first: from }));
  database.prepare('INSERT INTO epoch (first, id, boot) VALUES (?, ?, ?)').run(first, id, boot);
  return [...rows, { id, first }].map(({ id: known, first: from }) => ({ id: known, first: from }));
}
