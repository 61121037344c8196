import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freeze, hashOf } from '@ifactor/actors';
import { openJournal, readJournal } from '@ifactor/actors/journal';
import { someKey, someLives } from '@ifactor/actors/testing';
import type { RecordedEvent } from '@ifactor/crds';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { replay } from '../log/lives.ts';
import { seek } from './seek.ts';

const keys = ['a', 'b', 'c'].map(someKey);
const [key] = keys as [(typeof keys)[0]];
const count = 3000;
const folder = mkdtempSync(join(tmpdir(), 'ifactor-seek-'));
const log: RecordedEvent[] = [];
const own = (to: number): RecordedEvent[] => log.filter((event) => event.key.name === key.name && event.sequence <= to);
const folded = (to: number) => [...replay(own(to))].at(-1)?.snapshot;

beforeAll(() => {
  const journal = openJournal(folder, { node: 'n1' });
  for (const event of someLives(journal, keys)) {
    log.push(event);
    if (log.length === count) break;
  }
  journal.append(log);
  // As a runner stores them now and then; the others have none.
  for (const at of [500, 1400, 2000]) {
    const last = own(at).at(-1)!.sequence;
    journal.saveSnapshot('netlinkinterface/default/a', last, JSON.stringify(freeze(folded(last)!)));
  }
  journal.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a seek in a journal', () => {
  test.each([1, 2, 499, 500, 502, 1399, 1402, 1999, 2345, count, count + 5])(
    'to event %i finds what the whole log folds to',
    (sequence) => {
      const journal = readJournal(folder);
      try {
        const found = seek(journal, key, { sequence });
        expect(hashOf(found!.snapshot)).toBe(hashOf(folded(sequence)!));
        expect(found!.event).toEqual(own(sequence).at(-1));
      } finally {
        journal.close();
      }
    },
  );

  test('finds a time as well, and nothing before the first event or of a stranger', () => {
    const journal = readJournal(folder);
    try {
      const event = own(1700).at(-1)!;
      expect(seek(journal, key, { time: Date.parse(event.time) })?.event).toEqual(event);
      expect(seek(journal, key, { time: Date.parse(event.time) + 59_999 })?.event).toEqual(event);
      expect(seek(journal, key, { time: Date.parse(log[0]!.time) - 1 })).toBeUndefined();
      expect(seek(journal, someKey('nobody'), { sequence: count })).toBeUndefined();
    } finally {
      journal.close();
    }
  });

  test('goes by the snapshot where the events before it were dropped', () => {
    const journal = openJournal(folder, { node: 'n1' });
    for (const name of ['b', 'c']) {
      const last = log.findLast((event) => event.key.name === name)!;
      const snapshot = [...replay(log.filter((event) => event.key.name === name))].at(-1)!.snapshot;
      journal.saveSnapshot(`netlinkinterface/default/${name}`, last.sequence, JSON.stringify(freeze(snapshot)));
    }
    journal.markShipped({ sequence: count, stream: null });
    journal.prune({ maxAge: 0, maxBytes: 1e9, now: Date.parse(log[1900]!.time) });
    try {
      expect(journal.first()).toBeGreaterThan(1000);
      expect(hashOf(seek(journal, key, { sequence: 2345 })!.snapshot)).toBe(hashOf(folded(2345)!));
      expect(seek(journal, key, { sequence: 900 })).toBeUndefined();
    } finally {
      journal.close();
    }
  });
});
