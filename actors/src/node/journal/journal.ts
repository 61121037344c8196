import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readdirSync, renameSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Desired, RecordedEvent } from '@ifactor/crds';
import { DesiredSchema } from '@ifactor/crds';
import { guarded, JournalError, unusable } from './error.ts';
import { openNote } from './note.ts';
import type { LostEvents } from './note.ts';
import { journalReads, lastSequence, spellKey } from './read.ts';
import type { Body, JournalRead } from './read.ts';
import { openEpochs, prepare } from './schema.ts';
import { lockFolder } from './lock.ts';
import { prune } from './prune.ts';
import type { Limits, Pruned } from './prune.ts';

/** How far the journal has been stored in IFACTOR_EVENTS. */
export type Shipped = {
  /** Every event up to this one is stored. */
  sequence: number;
  /** Where that one lies: when the stream was created (RFC 3339), and its number there. */
  stream: { created: string; sequence: number } | null;
};

/**
 * The node's journal: every event before it is acted on, snapshots of the actors, the last message on each desired object.
 * All calls are synchronous, and each is one transaction. Committed data survives kill -9; a power cut may take the last
 * moments (see `openEpochs`).
 * @throws JournalError from each function; code Full leaves what is stored as it was
 */
export type Journal = JournalRead & {
  /** Random, another one for each run of the agent; part of every event's id, `<node>.<id>.<sequence>`. */
  readonly id: string;
  /** Stays as long as the file does; copies of the state folder share it. */
  readonly folderId: string;
  /** Number of the last event that was appended; `last()` is that of the last one stored. */
  readonly sequence: number;
  eventId(sequence: number): string;
  /**
   * Stores events, which must continue the sequence without a gap and bear the ids of `eventId`. Those that cannot be
   * stored are kept in memory, and stored with the next ones, or when called with none: a disk that is full for a while
   * leaves no hole in the log.
   * @throws JournalError where they are not stored now; where they are more than `room`, they are not kept either
   */
  append(events: readonly RecordedEvent[]): void;
  /** How many more events would be kept if they could not be stored. At 0, no event may be made. */
  readonly room: number;
  /** What a former run could not store before it ended, until an AgentStarted that records it is stored. */
  readonly lost: LostEvents | null;
  /** `body` is JSON of the actor's state after every event of its own up to `sequence`. */
  saveSnapshot(key: string, sequence: number, body: string): void;
  /** The actor has finished: its next event, if any, starts from the initial state. */
  forget(key: string): void;
  readonly shipped: Shipped;
  markShipped(shipped: Shipped): void;
  prune(limits: Limits): Pruned;
  /** What is desired of each object, secrets still sealed, for a start without NATS. */
  putDesired(key: string, desired: Desired): void;
  deleteDesired(key: string): void;
  allDesired(): Map<string, Desired>;
  /** Revisions of desired objects that were accepted since a time, by the actor's id; others of the same id are replaced. */
  putRevisions(since: string, revisions: Iterable<readonly [id: string, revision: number]>): void;
  revisions(since: string): Map<string, number>;
  /** Drops these, and all of other times. */
  dropRevisions(since: string, ids: readonly string[]): void;
};

/** Events that wait in memory for a disk with room, at most. */
const mostWaiting = 10_000;

/**
 * Opens or makes `<folder>/journal.db`, for this process alone.
 * @param folder state folder; made with mode 0700 where it is missing
 * @throws JournalError
 */
export function openJournal(folder: string, { node }: { node: string }): Journal {
  const path = join(folder, 'journal.db');
  try {
    makeFolder(folder);
  } catch (cause) {
    throw unusable(`make the state folder ${folder}`, cause);
  }
  checkFolder(folder);
  const lock = lockFolder(folder);
  let database: DatabaseSync | undefined;
  try {
    // SQLite gives -wal and -shm the mode of the file itself.
    closeSync(openSync(path, 'a', 0o600));
    chmodSync(path, 0o600);
    const opened = (database = new DatabaseSync(path, { timeout: 5000 }));
    return guarded(path, () => {
      // To be chosen before anything is in the file, and a write in one that may be torn.
      if (statSync(path).size === 0) opened.exec('PRAGMA auto_vacuum = INCREMENTAL');
      opened.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
      prepare(opened, path, node);
      return journal(opened, folder, path, node, () => lock.release());
    });
  } catch (error) {
    database?.close();
    lock.release();
    if ((error as NodeJS.ErrnoException).syscall !== undefined) {
      throw unusable(`open the journal ${path}`, error);
    }
    throw error;
  }
}

/**
 * Sets a journal that cannot be used aside, as `journal.db.torn-<time>`, and begins a new one with an id of its own, so
 * that the node goes on. Nothing of the old file is changed.
 */
export function recoverJournal(
  folder: string,
  options: { node: string },
  now: Date,
): { journal: Journal; aside: string } {
  const path = join(folder, 'journal.db');
  const aside = `${path}.torn-${now.toISOString().replaceAll(/[-:]/g, '').replace(/\.\d+/, '')}`;
  const lock = lockFolder(folder);
  try {
    for (const suffix of ['', '-wal', '-shm']) {
      if (statSync(path + suffix, { throwIfNoEntry: false })) renameSync(path + suffix, aside + suffix);
    }
  } finally {
    lock.release();
  }
  return { journal: openJournal(folder, options), aside };
}

function journal(database: DatabaseSync, folder: string, path: string, node: string, release: () => void): Journal {
  let shipped = readShipped(database);
  let sequence = lastSequence(database);
  let stored = sequence;
  let waiting: readonly RecordedEvent[] = [];
  const note = openNote(folder, stored);
  // Numbers of what was lost are given out again, under another id.
  const epochs = openEpochs(database, sequence);
  const id = epochs.at(-1)?.id ?? '';
  const eventId = (at: number): string => `${node}.${id}.${at}`;
  const reads = journalReads(database, path, node, epochs);
  const insert = database.prepare('INSERT INTO event (sequence, key, time, body) VALUES (?, ?, ?, ?)');
  const snapshot = database.prepare('INSERT OR REPLACE INTO snapshot (key, sequence, body) VALUES (?, ?, ?)');
  const mark = database.prepare("INSERT OR REPLACE INTO meta (name, value) VALUES ('shipped', ?)");
  const put = database.prepare('INSERT OR REPLACE INTO desired (key, body) VALUES (?, ?)');
  const remove = database.prepare('DELETE FROM desired WHERE key = ?');
  const putRevision = database.prepare('INSERT OR REPLACE INTO revision (key, revision, since) VALUES (?, ?, ?)');
  const atomically = <T>(step: () => T): T =>
    guarded(path, () => {
      database.exec('BEGIN IMMEDIATE');
      try {
        const result = step();
        database.exec('COMMIT');
        return result;
      } catch (error) {
        // A full disk has rolled back already.
        if (database.isTransaction) database.exec('ROLLBACK');
        throw error;
      }
    });
  const self: Journal = {
    ...reads,
    id,
    folderId: epochs[0]?.id ?? id,
    get sequence() {
      return sequence;
    },
    last: () => stored,
    eventId,
    append: (events) => {
      let at = sequence;
      for (const event of events) {
        at++;
        if (event.sequence !== at || event.id !== eventId(at)) {
          throw new RangeError(`event ${event.id} does not continue the journal: ${eventId(at)} comes next`);
        }
      }
      const batch = waiting.length === 0 ? events : [...waiting, ...events];
      try {
        atomically(() => {
          for (const { id: _, sequence: number, node: __, key, ...rest } of batch) {
            insert.run(number, spellKey(key), Date.parse(rest.time), JSON.stringify(rest satisfies Body));
          }
        });
      } catch (error) {
        if (error instanceof JournalError && batch.length <= mostWaiting) {
          waiting = [...batch];
          sequence = at;
          note.write({ after: stored, events: batch.length, since: batch[0]?.time ?? '' });
        }
        throw error;
      }
      stored = sequence = at;
      if (note.lost !== null && batch.some(({ type, data }) => type === 'AgentStarted' && data.lost !== undefined))
        note.told();
      else if (waiting.length > 0) note.write();
      waiting = [];
    },
    get room() {
      return mostWaiting - waiting.length;
    },
    get lost() {
      return note.lost;
    },
    saveSnapshot: (key, at, body) => {
      if (at > stored) throw new RangeError(`snapshot of ${key} at ${at} lies beyond the journal's end ${stored}`);
      guarded(path, () => snapshot.run(key, at, body));
    },
    forget: (key) =>
      atomically(() => {
        database.prepare('DELETE FROM snapshot WHERE key = ?').run(key);
        snapshot.run(key, stored, null);
      }),
    get shipped() {
      return shipped;
    },
    markShipped: (next) => {
      guarded(path, () => mark.run(JSON.stringify(next)));
      shipped = next;
    },
    prune: (limits) => atomically(() => prune(database, { sequence: stored, shipped: shipped.sequence }, limits)),
    putDesired: (key, desired) => void guarded(path, () => put.run(key, JSON.stringify(desired))),
    deleteDesired: (key) => void guarded(path, () => remove.run(key)),
    allDesired: () => {
      const rows = guarded(path, () => database.prepare('SELECT key, body FROM desired').all()) as {
        key: string;
        body: string;
      }[];
      return new Map(rows.map(({ key, body }) => [key, DesiredSchema.parse(JSON.parse(body))]));
    },
    putRevisions: (since, revisions) =>
      atomically(() => {
        for (const [key, revision] of revisions) putRevision.run(key, revision, since);
      }),
    revisions: (since) => {
      const select = database.prepare('SELECT key, revision FROM revision WHERE since = ?');
      const rows = guarded(path, () => select.all(since)) as { key: string; revision: number }[];
      return new Map(rows.map(({ key, revision }) => [key, revision]));
    },
    dropRevisions: (since, ids) =>
      atomically(() => {
        database.prepare('DELETE FROM revision WHERE since <> ?').run(since);
        const drop = database.prepare('DELETE FROM revision WHERE key = ?');
        for (const key of ids) drop.run(key);
      }),
    close: () => {
      if (waiting.length > 0) {
        try {
          self.append([]);
        } catch {
          // The next run reads the loss from the note.
        }
      }
      reads.close();
      release();
    },
  };
  return self;
}

/**
 * A user who can write to the folder controls the node's state and its keys: so only the agent may own it.
 * @throws JournalError NotWritable
 */
function checkFolder(folder: string): void {
  const { uid, mode } = statSync(folder);
  const own = process.geteuid?.() ?? uid;
  if (uid !== own)
    throw new JournalError(
      'NotWritable',
      `the state folder ${folder} belongs to user ${uid}, not to user ${own} that runs the agent; chown it or give another --state-dir`,
    );
  // One that is empty, such as a new volume, is taken into possession.
  if ((mode & 0o022) !== 0 && readdirSync(folder).length > 0)
    throw new JournalError(
      'NotWritable',
      `the state folder ${folder} can be written by other users (mode ${(mode & 0o777).toString(8)}); make sure that its content is yours, then chmod 700 it`,
    );
  try {
    chmodSync(folder, 0o700);
  } catch (cause) {
    throw unusable(`make the state folder ${folder}`, cause);
  }
}

/** As `mkdir -p`. Node's own, asked for a folder below /proc, never returns. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  const parent = dirname(resolve(folder));
  if (!existsSync(parent)) makeFolder(parent);
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    // Agents of one machine that start at the same time make the folder that holds theirs.
    if (!existsSync(folder)) throw error;
  }
}

function readShipped(database: DatabaseSync): Shipped {
  const row = database.prepare("SELECT value FROM meta WHERE name = 'shipped'").get() as { value: string } | undefined;
  return row === undefined ? { sequence: 0, stream: null } : (JSON.parse(row.value) as Shipped);
}
