import { TestClock } from '@ifactor/common/testing';
import type { RecordedEvent } from '@ifactor/crds';
import { beforeEach, describe, expect, test } from 'vitest';
import { someEvents, someKey } from '../../testing/events.ts';
import { testLog } from '../../testing/log.ts';
import { EventWriter } from './eventWriter.ts';

const events = someEvents({ node: 'n1', sequence: 0, eventId: (at) => `n1.j.${at}` }, [someKey('a'), someKey('b')]);

describe('events', () => {
  let full: boolean;
  let room: number;
  let appended: number[];
  let clock: TestClock;
  let writer: EventWriter;
  let lines: ReturnType<typeof testLog>['lines'];
  let recovered: number;

  beforeEach(() => {
    [full, room, appended, recovered] = [false, 10, [], 0];
    clock = new TestClock();
    const { log, lines: written } = testLog();
    lines = written;
    const journal = {
      append: (batch: readonly RecordedEvent[]) => {
        appended.push(batch.length);
        if (full) throw new Error('the disk is full');
      },
      get room() {
        return room;
      },
    };
    writer = new EventWriter(journal, clock, log);
    writer.recovered.subscribe(() => recovered++);
  });
  const fail = (): void => {
    full = true;
    writer.store(events);
  };

  test('are stored, and nothing is said', async () => {
    writer.store(events);
    await clock.pass(5000);
    expect([appended, lines, recovered, writer.trouble, writer.room]).toEqual([[2], [], 0, null, 10]);
  });

  test('that cannot be stored are tried again each second, which is said once', async () => {
    fail();
    expect(writer.trouble).toBe('the disk is full');
    expect(lines).toEqual([
      ['error', 'failed to store events; keeping them in memory and retrying', { error: 'the disk is full', room: 10 }],
    ]);
    await clock.pass(999);
    expect(appended).toEqual([2]);
    await clock.pass(1);
    expect(appended).toEqual([2, 0]);
    await clock.pass(1000);
    expect(appended).toEqual([2, 0, 0]);
    expect([lines.length, recovered]).toEqual([1, 0]);
  });

  test('are stored with the next ones as soon as there is room, and no try is left over', async () => {
    fail();
    await clock.pass(500);
    writer.store(events);
    await clock.pass(500);
    expect(appended).toEqual([2, 2]);
    full = false;
    await clock.pass(500);
    expect([appended, recovered, writer.trouble]).toEqual([[2, 2, 0], 1, null]);
    expect(lines.slice(1)).toEqual([['info', 'storing events again', {}]]);
    await clock.pass(5000);
    expect([appended.length, recovered]).toEqual([3, 1]);
  });

  test('are not tried again after the end', async () => {
    writer.stop();
    fail();
    writer.stop();
    await clock.pass(5000);
    expect(appended).toEqual([2]);
  });

  test('are tried once more before it is said that there is no room', () => {
    expect([writer.room, appended]).toEqual([10, []]);
    room = 0;
    expect([writer.room, appended]).toEqual([0, [0]]);
    room = 1;
    expect([writer.room, appended]).toEqual([1, [0]]);
  });
});
