import { someEvents, someKey } from '@ifactor/actors/testing';
import type { RecordedEvent } from '@ifactor/crds';
import { describe, expect, test } from 'vitest';
import { lived, replayAll } from './lives.ts';
import { causes } from '../replay/causes.ts';
import { Continuity } from '../replay/verify.ts';

const events = (journal: string, from: number, count: number): RecordedEvent[] =>
  someEvents(
    { node: 'lax1', sequence: from - 1, eventId: (sequence) => `lax1.${journal}.${sequence}` },
    Array.from({ length: count }, () => someKey('a')),
    new Date(0),
  );
const agentStarted = (event: RecordedEvent): RecordedEvent => ({
  ...event,
  type: 'AgentStarted',
  data: { version: '1' },
});

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
  return continuity.faults.map((fault) =>
    fault.kind === 'lost' ? `lost ${fault.events} ${fault.found}` : `${fault.kind} ${fault.after} ${fault.found}`,
  );
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

  test('show what the agent could not store before it ended, once for all its interfaces', () => {
    const [a, b, c, d] = events('k', 5, 4);
    const lost = { events: 7, since: '2026-01-01T00:00:00.000Z' };
    const told = [b!, c!].map((event): RecordedEvent => ({
      ...event,
      type: 'AgentStarted',
      data: { version: '1', lost },
    }));
    expect(faults([a!, ...told, d!])).toEqual(['lost 7 6']);
  });
});

test('causes make a tree, and what has another cause is not in it', () => {
  const [root, one, two, other] = events('j', 1, 4);
  const log = [
    root!,
    { ...one!, causationId: root!.id },
    { ...two!, causationId: one!.id },
    { ...other!, causationId: 'elsewhere' },
  ];
  const tree = causes(log, log[0]!);
  expect(tree.effects.map(({ event }) => event.sequence)).toEqual([2]);
  expect(tree.effects[0]?.effects.map(({ event }) => event.sequence)).toEqual([3]);
});

describe('folding a log as it is read', () => {
  const twice = [...events('j', 1, 6), agentStarted(events('k', 4, 1)[0]!), ...events('k', 5, 2)];

  test('comes to what the agent lived, though a power cut shows late', async () => {
    let seen: number[] = [];
    let readings = 0;
    await replayAll(
      async function* () {
        readings++;
        yield* twice;
      },
      () => {
        seen = [];
        return ({ event }) => void seen.push(event.sequence);
      },
    );
    expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
    expect(readings).toBe(2);
    expect(lived(twice).map(({ sequence }) => sequence)).toEqual(seen);
  });

  test('takes back the events of all actors of the node, from where its journal goes on', () => {
    const node = { node: 'lax1', sequence: 0, eventId: (sequence: number) => `lax1.j.${sequence}` };
    const before = someEvents(node, ['a', 'b', 'a', 'b', 'a'].map(someKey), new Date(0));
    // Event 3 of `a`, 4 of `b` and 5 of `a` were lost; `b` records the start after `a`.
    const after = events('k', 3, 2)
      .map(agentStarted)
      .map((event, at) => ({ ...event, key: someKey(['a', 'b'][at]!) }));
    expect(lived([...before, ...after]).map(({ id }) => id)).toEqual(['lax1.j.1', 'lax1.j.2', 'lax1.k.3', 'lax1.k.4']);
  });

  test('reads once where nothing was set back', async () => {
    let readings = 0;
    await replayAll(
      async function* () {
        readings++;
        yield* [...events('j', 1, 3), ...events('k', 1, 2)];
      },
      () => () => undefined,
    );
    expect(readings).toBe(1);
  });
});
