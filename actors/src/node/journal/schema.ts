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
    database.exec(`BEGIN; ${tables} PRAGMA user_version = ${schemaVersion}; COMMIT`);
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
}

/**
 * The journal's epochs, the last of them fit to write in. A power cut can lose the last commits after they were
 * shipped (synchronous = NORMAL), and their numbers are given out again; so each boot of the machine begins a new
 * epoch with an id of its own, and event ids stay unique.
 * @param anew begins one now, whatever the boot
 */
export function openEpochs(database: DatabaseSync, sequence: number, anew = false): Epoch[] {
  const boot = bootId();
  const rows = database.prepare('SELECT first, id, boot FROM epoch ORDER BY first').all() as (Epoch & {
    boot: string;
  })[];
  const last = rows.at(-1);
  if (anew || last?.boot !== boot) {
    const id = randomBytes(5).toString('hex');
    // Replaces an epoch in which nothing was written.
    database.prepare('INSERT OR REPLACE INTO epoch (first, id, boot) VALUES (?, ?, ?)').run(sequence + 1, id, boot);
    if (last?.first === sequence + 1) rows.pop();
    rows.push({ first: sequence + 1, id, boot });
  }
  return rows.map(({ id, first }) => ({ id, first }));
}
