import { someEvents, someKey } from '@ifactor/actors/testing';
import type { RecordedEvent } from '@ifactor/crds';
import { describe, expect, test } from 'vitest';
import { lived } from './lives.ts';
import { causes } from './trace.ts';
import { Continuity } from './verify.ts';

const events = (journal: string, from: number, count: number): RecordedEvent[] =>
  someEvents(
    { node: 'lax1', sequence: from - 1, eventId: (sequence) => `lax1.${journal}.${sequence}` },
    Array.from({ length: count }, () => someKey('a')),
    new Date(0),
  );
const agentStarted = (event: RecordedEvent): RecordedEvent => ({ ...event, type: 'AgentStarted', data: { version: '1' } });

describe('what an agent lived', () => {
  test('is the whole log, as long as it has one journal', () => {
    expect(lived(events('j', 1, 5))).toEqual(events('j', 1, 5));
  });

  test('is not what a power cut took from its journal after it was shipped', () => {
    const [first, ...rest] = events('k', 4, 3);
    const after = [agentStarted(first!), ...rest];
    expect(lived([...events('j', 1, 6), ...after])).toEqual([...events('j', 1, 3), ...after]);
  });

  test('is both journals, where the first one was lost and not set back', () => {
    const log = [...events('j', 1, 6), ...events('k', 1, 3)];
    expect(lived(log)).toEqual(log);
  });
});

const faults = (log: RecordedEvent[]): string[] => {
  const continuity = new Continuity();
  for (const event of log) continuity.see(event);
  return continuity.faults.map(({ kind, after, found }) => `${kind} ${after} ${found}`);
};

describe('the numbers of a log', () => {
  test('may begin anywhere and go on in another journal', () => {
    expect(faults([...events('j', 7, 3), ...events('k', 10, 3), ...events('l', 1, 2)])).toEqual([]);
  });

  test('show what is missing, doubled or out of order', () => {
    const [a, b, c, d] = events('j', 1, 4);
    expect(faults([a!, c!, d!])).toEqual(['gap 1 3']);
    expect(faults([a!, b!, b!, c!])).toEqual(['double 2 2']);
    expect(faults([a!, b!, c!, b!, d!])).toEqual(['order 3 2']);
  });
});

test('causes make a tree, and what has another cause is not in it', () => {
  const [root, one, two, other] = events('j', 1, 4);
  const log = [root!, { ...one!, causationId: root!.id }, { ...two!, causationId: one!.id }, { ...other!, causationId: 'elsewhere' }];
  const tree = causes(log, log[0]!);
  expect(tree.effects.map(({ event }) => event.sequence)).toEqual([2]);
  expect(tree.effects[0]?.effects.map(({ event }) => event.sequence)).toEqual([3]);
});
