import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Desired } from '@ifactor/crds';
import { someEvents, someKey } from '../../testing/events.ts';
import { openJournal, recoverJournal } from './journal.ts';
import type { Journal } from './journal.ts';
import { JournalError } from './error.ts';
import { readJournal } from './read.ts';

const node = 'lax1';
const a = someKey('a');
const b = someKey('b');
const nameOf = (name: string): string => `netlinkinterface/default/${name}`;
let folder: string;
let journal: Journal | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ifactor-journal-'));
});
afterEach(() => {
  journal?.close();
  journal = undefined;
  rmSync(folder, { recursive: true, force: true });
});

function open(): Journal {
  return (journal = openJournal(folder, { node }));
}
function reopen(): Journal {
  journal?.close();
  return open();
}
const codeOf = (step: () => unknown): string => {
  try {
    step();
  } catch (error) {
    if (error instanceof JournalError) return error.code;
    throw error;
  }
  return 'none';
};

describe('a journal', () => {
  test('gives back after a restart what was appended, numbered without a gap', () => {
    const first = open();
    const events = someEvents(first, [a, b, a]);
    first.append(events);
    expect(first.sequence).toBe(3);
    const again = reopen();
    expect([...again.read()]).toEqual(events);
    expect(again.folderId).toBe(first.folderId);
    again.append(someEvents(again, [b]));
    expect([...again.read({ key: nameOf('b') })].map(({ sequence }) => sequence)).toEqual([2, 4]);
    expect([...again.read({ from: 2, to: 3 })].map(({ id }) => id)).toEqual([
      `${node}.${first.id}.2`,
      `${node}.${first.id}.3`,
    ]);
  });

  test('refuses events that leave a gap, and then holds none of them', () => {
    const opened = open();
    const [one, two, three] = someEvents(opened, [a, a, a]);
    expect(() => opened.append([one!, three!])).toThrow(RangeError);
    expect(() => opened.append([two!])).toThrow(RangeError);
    expect(opened.sequence).toBe(0);
    expect([...opened.read()]).toEqual([]);
  });

  test('stores a batch as a whole or not at all', () => {
    const opened = open();
    const events = someEvents(opened, [a, b]);
    const broken = { ...events[1]!, data: { timer: 1n } } as never;
    expect(() => opened.append([events[0]!, broken])).toThrow(TypeError);
    expect([...opened.read()]).toEqual([]);
    opened.append(events);
    expect(opened.sequence).toBe(2);
  });

  test('reads more events than fit one page', () => {
    const opened = open();
    opened.append(
      someEvents(
        opened,
        Array.from({ length: 25_000 }, () => a),
      ),
    );
    let next = 1;
    for (const { sequence } of opened.read()) expect(sequence).toBe(next++);
    expect(next).toBe(25_001);
  });

  test('keeps everything to itself: folder 0700, files 0600', () => {
    const opened = open();
    opened.append(someEvents(opened, [a]));
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(folder).filter((file) => file.startsWith('journal'))) {
      expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    }
  });

  test('begins a new id at each start, and keeps that of the folder: a restored one gives numbers out again', () => {
    const opened = open();
    opened.append(someEvents(opened, [a, a]));
    opened.close();
    expect(opened.folderId).toBe(opened.id);
    open().close();
    const again = open();
    expect(again.id).not.toBe(opened.id);
    again.append(someEvents(again, [a]));
    expect([...again.read()].map(({ id }) => id)).toEqual([
      `${node}.${opened.id}.1`,
      `${node}.${opened.id}.2`,
      `${node}.${again.id}.3`,
    ]);
    expect(again.folderId).toBe(opened.id);
    expect(again.epochs).toEqual([
      { id: opened.id, first: 1 },
      { id: again.id, first: 3 },
    ]);
  });

  test('refuses a state folder that others can write, or own', () => {
    chmodSync(folder, 0o770);
    open().close();
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    chmodSync(folder, 0o770);
    expect(() => open()).toThrow(/can be written by other users \(mode 770\)/);
    chmodSync(folder, 0o755);
    open().close();
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    if (process.getuid?.() !== 0) return;
    chownSync(folder, 12345, 0);
    expect(() => open()).toThrow(/belongs to user 12345, not to user 0/);
  });

  test('loses nothing that was appended before kill -9', async () => {
    const script = join(folder, 'writer.ts');
    writeFileSync(
      script,
      `import { openJournal } from '${join(import.meta.dirname, 'journal.ts')}';
       import { someEvents, someKey } from '${join(import.meta.dirname, '../../testing/events.ts')}';
       const journal = openJournal('${folder}', { node: '${node}' });
       for (;;) { journal.append(someEvents(journal, [someKey('a'), someKey('b')])); process.send(journal.sequence); await new Promise(setImmediate); }`,
    );
    const writer = fork(script, { execArgv: ['--disable-warning=ExperimentalWarning'] });
    let acknowledged = 0;
    writer.on('message', (sequence: number) => {
      acknowledged = sequence;
      if (sequence >= 500) writer.kill('SIGKILL');
    });
    await once(writer, 'exit');
    const opened = open();
    expect(acknowledged).toBeGreaterThanOrEqual(500);
    expect(opened.sequence).toBeGreaterThanOrEqual(acknowledged);
    expect([...opened.read()].map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: opened.sequence }, (_, i) => i + 1),
    );
  });
});

describe('snapshots', () => {
  test('leave only the events after them to fold', () => {
    const opened = open();
    opened.append(someEvents(opened, [a, b, a, b]));
    opened.saveSnapshot(nameOf('a'), 3, '{"at":3}');
    expect(reopen().snapshots()).toEqual([{ key: nameOf('a'), sequence: 3, body: '{"at":3}' }]);
    expect([...journal!.tail()].map(({ sequence }) => sequence)).toEqual([2, 4]);
  });

  test('are found at any place of the log', () => {
    const opened = open();
    opened.append(someEvents(opened, [a, a, a, a]));
    opened.saveSnapshot(nameOf('a'), 2, 'two');
    opened.saveSnapshot(nameOf('a'), 4, 'four');
    expect(opened.snapshotAt(nameOf('a'), 1)).toBeUndefined();
    expect(opened.snapshotAt(nameOf('a'), 3)?.body).toBe('two');
    expect(opened.snapshotAt(nameOf('a'), 9)?.body).toBe('four');
    expect(opened.snapshots()).toHaveLength(1);
  });

  test('of a finished actor are gone, and its next life begins from nothing', () => {
    const opened = open();
    opened.append(someEvents(opened, [a, b]));
    opened.saveSnapshot(nameOf('a'), 2, 'old');
    opened.forget(nameOf('a'));
    expect(opened.snapshots()).toEqual([]);
    expect([...opened.tail()].map(({ sequence }) => sequence)).toEqual([2]);
    opened.append(someEvents(opened, [a]));
    expect([...opened.tail()].map(({ sequence }) => sequence)).toEqual([2, 3]);
    expect(opened.snapshotAt(nameOf('a'), 3)?.body).toBeNull();
  });
});

describe('pruning', () => {
  const long = new Date(Date.now() - 1e9);
  const aged = { maxAge: 1e8, maxBytes: Infinity, now: Date.now() };

  test('removes the oldest events that are shipped, and never leaves a gap', () => {
    const opened = open();
    opened.append(someEvents(opened, [a, a, a, a], long));
    opened.append(someEvents(opened, [a]));
    opened.saveSnapshot(nameOf('a'), 5, 'five');
    opened.markShipped({ sequence: 3, stream: null });
    expect(opened.prune(aged)).toEqual({ removed: 3, first: 4, heldBy: [] });
    expect([...opened.read()].map(({ sequence }) => sequence)).toEqual([4, 5]);
    expect(opened.first()).toBe(4);
  });

  test('never goes below the last snapshot of a live actor, and names who holds it up', () => {
    const opened = open();
    opened.append(someEvents(opened, [a, b, a, b, a], long));
    opened.markShipped({ sequence: 5, stream: null });
    opened.saveSnapshot(nameOf('a'), 5, 'five');
    expect(opened.prune(aged)).toEqual({ removed: 1, first: 2, heldBy: [nameOf('b')] });
    expect([...reopen().tail()].map(({ sequence }) => sequence)).toEqual([2, 4]);
    journal!.saveSnapshot(nameOf('b'), 5, 'five');
    expect(journal!.prune(aged).removed).toBe(4);
  });

  test('is not held up by idle or finished actors', () => {
    const opened = open();
    opened.append(someEvents(opened, [a, b, ...Array.from({ length: 8 }, () => someKey('busy'))], long));
    opened.markShipped({ sequence: 10, stream: null });
    opened.saveSnapshot(nameOf('a'), 1, 'idle');
    opened.forget(nameOf('b'));
    opened.saveSnapshot(nameOf('busy'), 10, 'busy');
    expect(opened.prune(aged)).toEqual({ removed: 10, first: 11, heldBy: [] });
    expect(opened.snapshots().map(({ key, body }) => [key, body])).toEqual([
      [nameOf('a'), 'idle'],
      [nameOf('busy'), 'busy'],
    ]);
    expect(opened.first()).toBe(11);
    expect(reopen().sequence).toBe(10);
  });

  test('brings the file down to its size', () => {
    const opened = open();
    opened.append(
      someEvents(
        opened,
        Array.from({ length: 20_000 }, () => a),
      ),
    );
    opened.saveSnapshot(nameOf('a'), 20_000, 'all');
    opened.markShipped({ sequence: 20_000, stream: null });
    const { removed } = opened.prune({ maxAge: Infinity, maxBytes: 1_000_000, now: Date.now() });
    expect(removed).toBeGreaterThan(10_000);
    expect(removed).toBeLessThan(20_000);
    opened.close();
    expect(statSync(join(folder, 'journal.db')).size).toBeLessThan(1_500_000);
  });
});

test('what is desired outlives a restart, sealed as it came', () => {
  const desired: Desired = {
    apiVersion: 'networking.dn42.io/v1alpha1',
    kind: 'WireGuardInterface',
    namespace: 'default',
    name: 'a',
    uid: 'u',
    generation: 1,
    resourceVersion: '7',
    creationTimestamp: '2026-01-01T00:00:00Z',
    spec: { node },
    secrets: [{ ref: 'privateKey', version: '1', sender: 'X', sealed: 'AAAA' }],
    missing: [],
  };
  open().putDesired('k', desired);
  journal!.putDesired('gone', desired);
  journal!.deleteDesired('gone');
  expect(reopen().allDesired()).toEqual(new Map([['k', desired]]));
});

describe('a journal that cannot be used', () => {
  test('because another agent has it names that agent; a reader may look', () => {
    const opened = open();
    opened.append(someEvents(opened, [a]));
    expect(() => openJournal(folder, { node })).toThrow(`(process ${process.pid})`);
    expect(codeOf(() => openJournal(folder, { node }))).toBe('Locked');
    const reader = readJournal(folder);
    opened.append(someEvents(opened, [b]));
    expect([...reader.read()]).toHaveLength(2);
    reader.close();
  });

  test('because the folder cannot be made says so', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(codeOf(() => openJournal(join(folder, 'file', 'state'), { node }))).toBe('NotWritable');
    expect(codeOf(() => openJournal('/proc/nothing', { node }))).toBe('NotWritable');
  });

  test('because it is newer, or of another node, says so and is left alone', () => {
    open().close();
    expect(codeOf(() => openJournal(folder, { node: 'lax2' }))).toBe('OtherNode');
    const database = new DatabaseSync(join(folder, 'journal.db'));
    database.exec('PRAGMA user_version = 99');
    database.close();
    expect(codeOf(open)).toBe('Newer');
    expect(codeOf(open)).toBe('Newer');
  });

  test.each([
    [
      'no database',
      (path: string) => writeFileSync(path, 'not a database, but long enough to be looked at'.repeat(99)),
    ],
    ['cut short', (path: string) => truncateSync(path, 9000)],
    [
      'overwritten in the middle',
      (path: string) => {
        const bytes = readFileSync(path);
        bytes.fill(0xff, bytes.length / 2, bytes.length / 2 + 8192);
        writeFileSync(path, bytes);
      },
    ],
  ])('because it is torn (%s) is set aside whole, and another one begins', (_, damage) => {
    const opened = open();
    opened.append(
      someEvents(
        opened,
        Array.from({ length: 500 }, () => a),
      ),
    );
    opened.close();
    damage(join(folder, 'journal.db'));
    const torn = readFileSync(join(folder, 'journal.db'));
    expect(codeOf(open)).toBe('Torn');
    const recovered = recoverJournal(folder, { node }, new Date('2026-01-02T03:04:05.678Z'));
    journal = recovered.journal;
    expect(recovered.aside).toBe(join(folder, 'journal.db.torn-20260102T030405Z'));
    expect(readFileSync(recovered.aside).equals(torn)).toBe(true);
    expect(journal.sequence).toBe(0);
    expect(journal.id).not.toBe(opened.id);
    journal.append(someEvents(journal, [a]));
  });

  test('because the disk is full keeps what it has, and goes on when there is room', () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=400k', 'tmpfs', folder]);
    try {
      const opened = open();
      const fill = (): void => {
        for (;;)
          opened.append(
            someEvents(
              opened,
              Array.from({ length: 50 }, () => a),
            ),
          );
      };
      expect(codeOf(fill)).toBe('Full');
      const stored = opened.last();
      expect(stored).toBeGreaterThan(0);
      expect([...opened.read()]).toHaveLength(stored);
      // What could not be stored waits, and comes before what happens later.
      expect(opened.sequence).toBe(stored + 50);
      expect(codeOf(() => opened.append(someEvents(opened, [b])))).toBe('Full');
      execFileSync('mount', ['-o', 'remount,size=4m', folder]);
      opened.append(someEvents(opened, [b]));
      expect(opened.last()).toBe(stored + 52);
      expect([...reopen().read()].map(({ sequence }) => sequence)).toEqual(
        Array.from({ length: stored + 52 }, (_, i) => i + 1),
      );
    } finally {
      journal?.close();
      execFileSync('umount', [folder]);
      chmodSync(folder, 0o700);
    }
  });
});
