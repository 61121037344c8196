import { initial, fold } from '@ifactor/actors';
import { someKey, someLives } from '@ifactor/actors/testing';
import type { RecordedEvent } from '@ifactor/crds';
import { describe, expect, test } from 'vitest';
import { lived, replay } from '../../log/lives.ts';
import { detailOf } from './detail.ts';
import { EventLog } from './log.ts';
import { stride } from './track.ts';

const keys = ['a', 'b', 'c', 'd', 'e'].map(someKey);

function some(count: number, journal = 'j'): RecordedEvent[] {
  return someLives({ node: 'lax1', eventId: (sequence) => `lax1.${journal}.${sequence}` }, keys)
    .take(count)
    .toArray();
}

function logOf(events: readonly RecordedEvent[]): EventLog {
  const log = new EventLog();
  for (const event of events) log.append(event);
  return log;
}

const of = (name: string): string => `lax1 netlinkinterface/default/${name}`;

describe('a moment', () => {
  const events = some(1000);
  const log = logOf(events);

  test.each([5, 6, 31, 160, 161, 500, 999, 1000])('at %i is what folding all of the log up to there comes to', (at) => {
    for (const key of keys) {
      const own = events.slice(0, at).filter((event) => event.key.name === key.name);
      const found = log.tracks.get(of(key.name))?.at(at, (position) => log.event(position));
      expect(found?.snapshot.context).toEqual(
        own.reduce((snapshot, event) => fold(snapshot, event).snapshot, initial(key)).context,
      );
    }
  });

  test('before an actor began has neither state nor detail of it', () => {
    expect(log.states(0)).toEqual({});
    expect(Object.keys(log.states(2))).toEqual([of('a'), of('b')]);
    expect(() => detailOf(log, of('e'), 2)).toThrow('its first event is number 5');
  });

  test('holds the states that the log tells', () => {
    expect(log.states(700)[of('b')]).toBe(events.slice(0, 700).findLast(({ key }) => key.name === 'b')?.state);
  });

  test('gives an event back as it was', () => {
    expect(log.event(321)).toEqual(events[320]);
  });
});

test('in a log of 100 000 events any moment is at most a stride of folds away', () => {
  const count = 100_000;
  const log = logOf(some(count));
  let most = 0;
  const begun = performance.now();
  const seeks = 300;
  for (let step = 1; step <= seeks; step++) {
    const at = Math.floor((step * count) / seeks);
    const { actor } = log.row(at);
    const track = log.tracks.get(actor);
    most = Math.max(most, track?.at(at, (position) => log.event(position))?.folded ?? Infinity);
    detailOf(log, actor, at);
    log.states(at);
  }
  console.log(
    `100 000 events: a seek takes ${((performance.now() - begun) / seeks).toFixed(2)} ms, at most ${most} events folded`,
  );
  expect(most).toBeLessThan(stride);
});

test('what a power cut took back never happened', () => {
  const first = some(200);
  const restarted = (sequence: number): RecordedEvent => ({
    ...(first[sequence - 1] as RecordedEvent),
    id: `lax1.k.${sequence}`,
    sequence,
    type: 'AgentStarted',
    data: { version: '1' },
    causationId: null,
  });
  const events = [...first, ...[101, 102, 103, 104, 105].map(restarted)];
  const log = logOf(events);
  for (const key of keys) {
    const own = events.filter((event) => event.key.name === key.name);
    const [last] = [...replay(lived(own))].slice(-1);
    const track = log.tracks.get(of(key.name));
    expect(track?.snapshot?.context).toEqual(last?.snapshot.context);
    expect(track?.positions.length).toBe(own.length);
    expect(track?.lived.length).toBe(21);
  }
});
