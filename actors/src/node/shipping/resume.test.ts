import { createMemoryEventStore, TestClock } from '@ifactor/common/testing';
import { streams } from '@ifactor/common/nats';
import type { EventStore } from '@ifactor/common/eventStore';
import { beforeEach, describe, expect, test } from 'vitest';
import { testLog } from '../../testing/log.ts';
import type { Shipped } from '../journal/journal.ts';
import { resume } from './resume.ts';
import type { ResumePoint } from './resume.ts';

const { signal } = new AbortController();
/** Where a journal stands: two epochs, of which the second begins with event 11. */
const epochs = [
  { id: 'old', first: 1 },
  { id: 'j', first: 11 },
];

let connection: EventStore;
let store: EventStore;
let journal: { node: string; id: string; epochs: typeof epochs; first: () => number };
let known: Shipped;
let lines: ReturnType<typeof testLog>['lines'];
let log: ReturnType<typeof testLog>['log'];

beforeEach(async () => {
  const memory = createMemoryEventStore(new TestClock(), { [streams.events]: 'all' });
  connection = memory.connect();
  store = { ...connection };
  await store.prepare();
  journal = { node: 'n1', id: 'j', epochs, first: () => 1 };
  known = { sequence: 0, stream: null };
  ({ log, lines } = testLog());
});

/** Stores events by their ids, in order; those of node n2 are not ours. */
async function holds(...ids: string[]): Promise<void> {
  for (const id of ids)
    await store.append(streams.events, {
      subject: `ifactor.event.${id.split('.')[0]}.netlinkinterface.default.br0.Paused`,
      body: '',
      headers: { 'ce-id': id },
    });
}
const shipped = (sequence: number, at: number, created = 'life 1'): void => {
  known = { sequence, stream: { created, sequence: at } };
};
const look = (aborted = signal): Promise<ResumePoint> => resume(store, journal, known, log, aborted);
const ids = async (): Promise<string[]> => {
  const found: string[] = [];
  for (
    let at = await store.next(streams.events, 1, 'ifactor.>');
    at;
    at = await store.next(streams.events, at.sequence + 1, 'ifactor.>')
  )
    found.push(at.header('ce-id'));
  return found;
};
const place = (next: number, sequence: number, seen: number, lacking = 0): ResumePoint => ({
  next,
  stream: { created: 'life 1', sequence },
  seen,
  lacking,
});
const own = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, at) => `n1.${from + at < 11 ? 'old' : 'j'}.${from + at}`);

describe('shipping begins', () => {
  test.each<[string, string[], number, ResumePoint]>([
    ['with the first event where the stream has none', [], 1, place(1, 0, 0)],
    ['with the first that the journal still has', [], 7, place(7, 0, 0)],
    ['behind what other nodes stored', ['n2.x.1', 'n2.x.2'], 1, place(1, 2, 2)],
    ['after the last one that is stored', own(1, 4), 1, place(5, 4, 4)],
    ['after the last one, whatever others stored since', [...own(1, 2), 'n2.x.1'], 1, place(3, 2, 3)],
    ['over the end of an epoch', own(1, 12), 1, place(13, 12, 12)],
    ['where the journal lost its beginning as the stream did', own(3, 4), 3, place(5, 2, 2)],
    ['where the journal begins later than the stream', own(1, 4), 3, place(5, 4, 4)],
  ])('%s, where it was not noted', async (_, stored, first, expected) => {
    journal.first = () => first;
    await holds(...stored);
    expect(await look()).toEqual(expected);
    expect([lines, await ids()]).toEqual([[], stored]);
  });

  test.each<[string, string[], [number, number], ResumePoint]>([
    ['after what was noted', own(1, 2), [2, 2], place(3, 2, 2)],
    ['after what was stored since', own(1, 4), [2, 2], place(5, 4, 4)],
    [
      'after what was stored since between others',
      ['n2.x.1', ...own(1, 2), 'n2.x.2', ...own(3, 3), 'n2.x.3'],
      [1, 2],
      place(4, 5, 6),
    ],
    ['after what was noted, though it is gone', [], [0, 0], place(1, 0, 0)],
  ])('%s, where it was noted', async (_, stored, [sequence, at], expected) => {
    await holds(...stored);
    shipped(sequence, at);
    expect(await look()).toEqual(expected);
    expect([lines, await ids()]).toEqual([[], stored]);
  });

  test('again at the beginning, where the stream was recreated without it', async () => {
    await holds(...own(3, 4), 'n2.x.1');
    shipped(4, 9, 'life 0');
    expect(await look()).toEqual(place(1, 2, 3));
    expect(await ids()).toEqual(['n2.x.1']);
    expect(lines).toEqual([
      [
        'warn',
        'the event stream was recreated, or lost its newest events',
        { stream: streams.events, created: 'life 1' },
      ],
      ['warn', 'the event stream lacks the beginning of the journal; shipping from the start', {}],
    ]);
  });

  test('by what is there, where the stream lost its newest events', async () => {
    await holds(...own(1, 3));
    shipped(5, 5);
    expect(await look()).toEqual(place(4, 3, 3));
    expect(lines.map(([, message]) => message)).toEqual(['the event stream was recreated, or lost its newest events']);
  });

  test('with nothing done where the session has ended', async () => {
    await holds(...own(3, 4));
    const ended = AbortSignal.abort(new Error('lost connection'));
    await expect(look(ended)).rejects.toThrow('lost connection');
    expect(await ids()).toHaveLength(2);
  });
});

describe('a hole', () => {
  test('is mended: what came behind it is taken out, and shipped again', async () => {
    await holds(...own(1, 3), ...own(5, 6), 'n2.x.1');
    shipped(2, 2);
    expect(await look()).toEqual(place(4, 3, 6));
    expect(await ids()).toEqual([...own(1, 3), 'n2.x.1']);
    expect(lines).toEqual(
      [5, 6].map((event) => [
        'warn',
        'deleted an event that was stored out of order; shipping it again',
        { event, expected: 4 },
      ]),
    );
  });

  test('and what is stored twice is taken out, and what fits stays', async () => {
    await holds(...own(1, 2), ...own(2, 3));
    shipped(1, 1);
    expect(await look()).toEqual(place(4, 4, 4));
    expect(await ids()).toEqual(own(1, 3));
  });

  test('stays where the session has ended', async () => {
    await holds(...own(1, 1), ...own(3, 3));
    shipped(1, 1);
    await expect(look(AbortSignal.abort(new Error('lost connection')))).rejects.toThrow('lost connection');
    expect([await ids(), lines]).toEqual([[...own(1, 1), ...own(3, 3)], []]);
  });
});

const lacks = (events: number) => [
  'warn',
  'the event stream has events of this node that the journal lacks: the journal went backwards, or is a copy',
  { events, journal: 'j' },
];

describe('events of the node that the journal lacks', () => {
  test.each([
    ['of another journal', 'n1.other.3'],
    ['of an epoch that had ended before', 'n1.old.11'],
    ['of an epoch that begins later', 'n1.j.10'],
    ['without a number', 'n1.j.x'],
    ['with half a number', 'n1.j.11.5'],
    ['with a number that is no whole one', 'n1.j.1e400'],
    ['without an id', 'n1'],
  ])('are counted, and stay: %s', async (_, id) => {
    await holds(...own(1, 2), id);
    expect(await look()).toEqual(place(3, 3, 3, 1));
    expect([lines, await ids()]).toEqual([[lacks(1)], [...own(1, 2), id]]);
  });

  test('are counted from what was noted on', async () => {
    await holds(...own(1, 2), 'n1.other.3', 'n1.other.4');
    shipped(2, 2);
    expect(await look()).toEqual(place(3, 4, 4, 2));
    expect(lines).toEqual([lacks(2)]);
  });

  test('alone make the journal begin after them', async () => {
    journal.first = () => 6;
    await holds('n1.other.3');
    expect(await look()).toEqual(place(6, 1, 1, 1));
  });

  test('first of all are no reason to purge', async () => {
    await holds('n1.other.3', ...own(1, 2));
    expect(await look()).toEqual(place(3, 3, 3));
    expect(await ids()).toHaveLength(3);
  });
});

test('a message that is stored during the look counts as looked at', async () => {
  await holds(...own(1, 1));
  shipped(1, 1);
  store.state = async (stream) => {
    const found = await connection.state(stream);
    await holds(...own(2, 2));
    return found;
  };
  expect(await look()).toEqual(place(3, 2, 2));
});
