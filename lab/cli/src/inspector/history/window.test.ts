import { someKey, someLives } from '@ifactor/actors/testing';
import type { RecordedEvent } from '@ifactor/crds';
import { describe, expect, test } from 'vitest';
import { complete } from './before.ts';
import type { History } from './before.ts';
import { detailOf } from './detail.ts';
import { Filters } from './filter.ts';
import { EventLog } from './log.ts';

const keys = ['a', 'b', 'c', 'd', 'e'].map(someKey);
const id = 'lax1 netlinkinterface/default/b';
const start = 600;

const some = (count: number): RecordedEvent[] =>
  someLives({ node: 'lax1', eventId: (sequence) => `lax1.j.${sequence}` }, keys)
    .take(count)
    .toArray();

function logOf(events: readonly RecordedEvent[], from = 0): EventLog {
  const log = new EventLog(from);
  for (const event of events) log.append(event);
  return log;
}

/** The events of one actor before the window, and how many were read. */
function historyOf(events: readonly RecordedEvent[]): { history: History; read: () => number } {
  let read = 0;
  return {
    read: () => read,
    history: async function* ({ key }) {
      for (const event of events) {
        if (event.key.name !== key.name) continue;
        read++;
        yield event;
      }
    },
  };
}

describe('the newest part of a log', () => {
  const events = some(1000);
  const whole = logOf(events);

  test('has the positions, rows and states that the whole log has', () => {
    const log = logOf(events.slice(start), start);
    expect([log.start, log.total, log.held, log.since]).toEqual([600, 1000, 400, events[600]?.time]);
    expect(log.row(700)).toEqual(whole.row(700));
    expect(log.states(1000)).toEqual(whole.states(1000));
    expect(() => log.row(600)).toThrow('event 600 is not held: 601 to 1000 are');
    const filters = new Filters(log);
    expect(filters.slice({}, 0, 2)).toEqual({ total: 400, positions: [601, 602] });
    expect(filters.slice({ actor: id }, 0, 1)).toEqual({ total: 80, positions: [602] });
    expect([filters.rank({}, 700), filters.rank({ actor: id }, 607)]).toEqual([100, 2]);
  });

  test.each([600, 602, 633, 1000])(
    'tells of an actor at %i what the whole log tells, from its own earlier events',
    async (at) => {
      const log = logOf(events.slice(start), start);
      const { history, read } = historyOf(events.slice(0, start));
      await complete(log, id, history);
      const { first: _, tried, transitions: __, ...rest } = detailOf(log, id, at);
      const { first: ___, tried: allTried, transitions: ____, ...wanted } = detailOf(whole, id, at);
      expect(rest).toEqual(wanted);
      expect(tried).toEqual(allTried.filter(({ position }) => position > start));
      expect(log.states(at)[id]).toBe(whole.states(at)[id]);
      expect(read(), 'only its own').toBe(start / keys.length);
      await complete(log, id, history);
      expect(read(), 'once').toBe(start / keys.length);
    },
  );

  test('goes on from there with what comes', async () => {
    const log = logOf(events.slice(start, 800), start);
    await complete(log, id, historyOf(events.slice(0, start)).history);
    for (const event of events.slice(800)) log.append(event);
    expect(log.tracks.get(id)?.snapshot).toEqual(whole.tracks.get(id)?.snapshot);
  });

  test('says what it can of an actor whose earlier events are no longer kept', async () => {
    const log = logOf(events.slice(start), start);
    await complete(log, id, historyOf([]).history);
    expect(detailOf(log, id, 1000).state).toBe(whole.states(1000)[id]);
  });
});
