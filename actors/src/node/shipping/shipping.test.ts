import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryEventStore, TestClock } from '@ifactor/common/testing';
import type { MemoryEventStore } from '@ifactor/common/testing';
import type { Appended, EventStore, NewMessage } from '@ifactor/common/eventStore';
import { streams } from '@ifactor/common/nats';
import type { RecordedEvent } from '@ifactor/crds';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { someEvents, someKey } from '../../testing/events.ts';
import { testLog } from '../../testing/log.ts';
import { openJournal } from '../journal/journal.ts';
import type { Journal } from '../journal/journal.ts';
import { Shipper } from './shipper.ts';
import type { ShipperOptions } from './shipper.ts';

/* What a shipper does with an event store in memory; `shipper.test.ts` tries it on a NATS server. */

type Sent = NewMessage & { at: number };

let clock: TestClock;
let memory: MemoryEventStore;
let connection: ReturnType<MemoryEventStore['connect']>;
let journal: Journal;
let sent: Sent[];
let started: number;
let lines: ReturnType<typeof testLog>['lines'];
let log: ReturnType<typeof testLog>['log'];
/** What the next sends meet, in order; undefined: the store. */
let meets: (((message: NewMessage) => Promise<Appended>) | undefined)[];

beforeEach(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ift-'));
  clock = new TestClock();
  started = clock.now();
  memory = createMemoryEventStore(clock, { [streams.events]: 'all' });
  connection = memory.connect();
  await connection.prepare();
  journal = openJournal(folder, { node: 'n1' });
  [sent, meets] = [[], []];
  ({ log, lines } = testLog());
  onTestFinished(() => {
    journal.close();
    rmSync(folder, { recursive: true });
  });
});

const storeWith = (more: Partial<EventStore> = {}): EventStore => ({
  ...connection,
  append(stream, message) {
    sent.push({ ...message, at: clock.now() - started });
    const meet = meets.shift();
    return meet ? meet(message) : connection.append(stream, message);
  },
  ...more,
});
function ship(more: Partial<ShipperOptions> = {}): Shipper {
  const runtime = { clock, random: { fraction: () => 0, uuid: () => 'another' }, log };
  const shipper = new Shipper({ store: storeWith(), journal, runtime, ...more });
  onTestFinished(() => shipper.stop());
  return shipper;
}
/** A shipper, and how often it has looked at the stream. */
function shipCounting(): { shipper: Shipper; looks: () => number } {
  let looks = 0;
  const state: EventStore['state'] = (stream) => {
    looks++;
    return connection.state(stream);
  };
  return { shipper: ship({ store: storeWith({ state }) }), looks: () => looks };
}
/** Events of this many keys in turn. */
function happen(count: number, keys = 1): void {
  const chosen = Array.from({ length: count }, (_, at) => someKey(`k${at % keys}`));
  journal.append(someEvents(journal, chosen, new Date(clock.now())));
}
const stored = async (): Promise<string[]> => {
  const found: string[] = [];
  for (
    let at = await connection.next(streams.events, 1, 'ifactor.>');
    at;
    at = await connection.next(streams.events, at.sequence + 1, 'ifactor.>')
  )
    found.push(at.header('ce-id'));
  return found;
};
const ids = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, at) => journal.eventId(from + at));
const numbers = (): number[] => sent.map(({ id }) => Number(id?.split(/[.#]/)[2]));
const never = (): Promise<Appended> => new Promise(() => undefined);
const refused = (): Promise<Appended> => Promise.reject(new Error('no room'));
const warnings = (): string[] => lines.map(([level, message]) => `${level} ${message}`);
const failed = 'warn failed to ship events; they stay in the journal, retrying';

describe('the journal is shipped', () => {
  test('in order and whole, as its events are encoded', async () => {
    happen(5, 2);
    const shipper = ship();
    expect(shipper.lag).toBe(5);
    const idle = shipper.idle();
    await clock.pass(0);
    await idle;
    expect([await stored(), shipper.lag, lines]).toEqual([ids(1, 5), 0, []]);
    const [first] = [...journal.read({ to: 1 })];
    const message = await connection.next(streams.events, 1, 'ifactor.>');
    expect(message?.subject).toBe('ifactor.event.n1.netlinkinterface.default.k0.TimerElapsed');
    expect(JSON.parse(message?.body ?? '')).toEqual(first?.data);
    expect(sent.map(({ id }) => id)).toEqual(ids(1, 5));
    await shipper.idle();
  });

  test('from what comes later on, as soon as nothing more has come for 20 ms', async () => {
    const shipper = ship();
    await clock.pass(1000);
    expect(sent).toEqual([]);
    happen(1);
    shipper.wake();
    await clock.pass(15);
    happen(1);
    shipper.wake();
    const idle = shipper.idle();
    await clock.pass(100);
    await idle;
    expect(await stored()).toEqual(ids(1, 2));
    // The first of a session is sent by itself, at once.
    expect(sent.map(({ at }) => at)).toEqual([1000, 1035]);
  });

  test('after a second, though more keeps coming', async () => {
    const shipper = ship();
    happen(2);
    shipper.wake();
    for (let times = 0; times < 150; times++) {
      await clock.pass(10);
      happen(1);
      shipper.wake();
    }
    const [, second] = sent;
    expect(second?.at).toBeGreaterThanOrEqual(1000);
    expect(second?.at).toBeLessThan(1050);
    await clock.pass(2000);
    expect(shipper.lag).toBe(0);
  });

  test('at once, where it is 10 000 events ahead', async () => {
    const shipper = ship({ window: 1 });
    await clock.pass(0);
    happen(10_001);
    meets = [undefined, never];
    shipper.wake();
    await clock.pass(0);
    expect(numbers()).toEqual([1, 2]);
  });

  test('with so many at most on their way', async () => {
    happen(10);
    const answers: (() => void)[] = [];
    const slowly = (message: NewMessage): Promise<Appended> =>
      new Promise((resolve) => answers.push(() => resolve(connection.append(streams.events, message))));
    meets = [undefined, ...Array.from({ length: 9 }, () => slowly)];
    const shipper = ship({ window: 3 });
    await clock.pass(1000);
    expect(numbers()).toEqual([1, 2, 3, 4]);
    expect(shipper.lag).toBe(9);
    while (answers.length > 0) {
      answers.shift()?.();
      await clock.pass(100);
      expect(answers.length).toBeLessThanOrEqual(3);
    }
    expect([await stored(), shipper.lag]).toEqual([ids(1, 10), 0]);
  });

  test('and what is acknowledged out of order counts up to the first that is not', async () => {
    happen(4);
    const answers: (() => void)[] = [];
    const slowly = (message: NewMessage): Promise<Appended> => {
      const done = connection.append(streams.events, message);
      return new Promise((resolve) => answers.push(() => resolve(done)));
    };
    meets = [undefined, slowly, slowly, slowly];
    const shipper = ship();
    await clock.pass(100);
    const lags = [shipper.lag];
    for (const at of [2, 0, 1]) {
      answers[at]?.();
      await clock.pass(0);
      lags.push(shipper.lag);
    }
    expect(lags).toEqual([3, 3, 2, 0]);
  });
});

describe('a session', () => {
  test('begins with one event alone, which expects its subject as it was read', async () => {
    happen(3);
    await ship().stop();
    await clock.pass(0);
    sent = [];
    const first = ship();
    await clock.pass(0);
    await first.stop();
    expect(sent.map(({ expectedSequence }) => expectedSequence)).toEqual([0, undefined, undefined]);
    happen(2);
    sent = [];
    meets = [never];
    ship();
    await clock.pass(1000);
    expect(sent.map(({ id, expectedSequence }) => [id, expectedSequence])).toEqual([[journal.eventId(4), 3]]);
  });

  test('that is quiet for 5 s looks at the stream again before the next event', async () => {
    const { shipper, looks } = shipCounting();
    await clock.pass(4000);
    happen(1);
    shipper.wake();
    await clock.pass(4999);
    expect(looks()).toBe(1);
    happen(1);
    shipper.wake();
    await clock.pass(100);
    expect([looks(), shipper.lag]).toEqual([1, 0]);
    await clock.pass(5000);
    expect(looks()).toBe(1);
    happen(1);
    shipper.wake();
    await clock.pass(100);
    expect([looks(), shipper.lag]).toEqual([2, 0]);
  });

  test('that is quiet from the beginning ends, too', async () => {
    const { shipper, looks } = shipCounting();
    await clock.pass(20_000);
    expect(looks()).toBe(1);
    happen(1);
    shipper.wake();
    await clock.pass(1000);
    expect([looks(), shipper.lag]).toEqual([2, 0]);
  });

  test('ends with its connection, and the next one goes on where the stream is', async () => {
    happen(4);
    meets = [undefined, undefined, never, never];
    const shipper = ship();
    await clock.pass(100);
    expect(shipper.lag).toBe(2);
    connection.disconnect();
    await clock.pass(60_000);
    expect(sent).toHaveLength(4);
    connection.reconnect();
    await clock.pass(100);
    expect([await stored(), shipper.lag, warnings()]).toEqual([ids(1, 4), 0, []]);
    expect(numbers()).toEqual([1, 2, 3, 4, 3, 4]);
  });

  test('does not begin before the connection is there', async () => {
    connection.disconnect();
    happen(1);
    const shipper = ship();
    await clock.pass(10_000);
    expect([sent, lines]).toEqual([[], []]);
    await shipper.stop();
    connection.reconnect();
    await clock.pass(10_000);
    expect(sent).toEqual([]);
  });

  test('makes a stream that is missing, and ships everything into it', async () => {
    happen(3);
    const shipper = ship();
    await clock.pass(100);
    memory.lose(streams.events);
    happen(1);
    shipper.wake();
    await clock.pass(30_000);
    expect([await stored(), shipper.lag]).toEqual([ids(1, 4), 0]);
    expect(warnings()[0]).toBe(failed);
  });
});

describe('what fails is tried again', () => {
  test('later and later, up to 5 s; every tenth time it is said', async () => {
    happen(1);
    meets = Array.from({ length: 12 }, () => refused);
    const shipper = ship();
    await clock.pass(60_000);
    expect(shipper.lag).toBe(0);
    const times = sent.map(({ at }) => at);
    expect(times.slice(1).map((at, index) => at - times[index]!)).toEqual([
      50, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000, 5000, 5000,
    ]);
    expect(lines).toEqual(
      Array.from({ length: 2 }, () => [
        'warn',
        'failed to ship events; they stay in the journal, retrying',
        { lag: 1, error: 'no room' },
      ]),
    );
    // After a success the first delay is the first again, and the first failure is said.
    happen(1);
    meets = [refused];
    sent = [];
    shipper.wake();
    await clock.pass(30_000);
    expect(sent).toHaveLength(2);
    expect(sent[1]!.at - sent[0]!.at).toBeLessThan(200);
    expect(lines).toHaveLength(3);
  });

  test('soon, where something was shipped in between', async () => {
    happen(10);
    meets = [refused, refused, refused, undefined, refused];
    const shipper = ship();
    await clock.pass(60_000);
    expect(shipper.lag).toBe(0);
    const firsts = sent.filter(({ expectedSequence }) => expectedSequence !== undefined).map(({ at }) => at);
    expect(firsts.slice(1).map((at, index) => at - firsts[index]!)).toEqual([50, 100, 200, 50, 50]);
  });

  test('from the first that is not stored: what was sent behind it is taken out of the stream', async () => {
    happen(4);
    meets = [undefined, refused];
    const shipper = ship();
    await clock.pass(1000);
    expect([await stored(), shipper.lag]).toEqual([ids(1, 4), 0]);
    expect(warnings()).toContain('warn deleted an event that was stored out of order; shipping it again');
    // Their ids are spent: the server would take them for duplicates.
    const again = sent.slice(4);
    expect(again[0]?.id).toBe(journal.eventId(2));
    expect(again.map(({ id }) => id)).toContain(`${journal.eventId(3)}#another`);
  });

  test('not before those on their way are answered', async () => {
    happen(3);
    const answer = Promise.withResolvers<Appended>();
    meets = [undefined, refused, () => answer.promise];
    ship();
    await clock.pass(10_000);
    expect([sent.length, lines]).toEqual([3, []]);
    answer.reject(new Error('late'));
    await clock.pass(10_000);
    expect(warnings()).toEqual([failed]);
    expect(lines[0]?.[2]).toEqual({ lag: 2, error: 'no room' });
  });

  test('where the stream has grown between the look and the first event', async () => {
    happen(1);
    let grown = false;
    const shipper = ship({
      store: storeWith({
        last: async (stream, filter) => {
          if (filter.includes('TimerElapsed') && !grown) {
            grown = true;
            await connection.append(streams.events, {
              subject: filter,
              body: '{}',
              headers: { 'ce-id': journal.eventId(1) },
            });
          }
          return connection.last(stream, filter);
        },
      }),
    });
    await clock.pass(1000);
    expect(lines[0]?.[2]).toMatchObject({ error: 'the stream has grown since it was read' });
    expect([await stored(), shipper.lag, sent]).toEqual([ids(1, 1), 0, []]);
  });

  test('where the stream was recreated under a living session', async () => {
    happen(1);
    meets = [async () => ({ sequence: 0, duplicate: false })];
    const shipper = ship();
    await clock.pass(1000);
    expect(lines[0]?.[2]).toMatchObject({ error: 'the stream of events was recreated' });
    expect(shipper.lag).toBe(0);
  });

  test('where an event was deleted from the stream, under another id, which is used once', async () => {
    happen(1);
    meets = [async () => ({ sequence: 0, duplicate: true }), refused];
    const shipper = ship();
    await clock.pass(1000);
    expect(lines[0]?.[2]).toMatchObject({ error: `event 1 was deleted from the stream` });
    const [event] = ids(1, 1);
    expect(sent.map(({ id }) => id)).toEqual([event, `${event}#another`, `${event}#another`]);
    expect(shipper.lag).toBe(0);
  });

  test('where the stream holds more than the journal', async () => {
    happen(2);
    const first = ship();
    await clock.pass(100);
    await first.stop();
    const behind = { ...journal, shipped: journal.shipped, last: () => 1 } as Journal;
    ship({ journal: behind });
    await clock.pass(0);
    expect(lines[0]?.[2]).toMatchObject({ error: 'the stream holds event 2, the journal ends at 1' });
  });
});

const large = async (bytes: number, room: number): Promise<string> => {
  const [event] = someEvents(journal, [someKey('k0')]);
  journal.append([{ ...event!, data: { timer: 'x'.repeat(bytes - '{"timer":""}'.length) } } as RecordedEvent]);
  const shipper = ship({ store: storeWith({ maxMessageBytes: room }) });
  await clock.pass(100);
  await shipper.idle();
  return (await connection.next(streams.events, 1, 'ifactor.>'))?.body ?? '';
};

describe('an event', () => {
  test('as large as the server takes, with room for its headers, is shipped whole', async () => {
    expect(await large(5000, 5000 + 4096)).toHaveLength(5000);
    expect(lines).toEqual([]);
  });

  test('that is larger is shipped without its data, which stay in the journal', async () => {
    expect(JSON.parse(await large(5001, 5000 + 4096))).toEqual({
      omitted: "5001 bytes, more than the server's max_payload",
    });
    expect(lines).toEqual([
      [
        'error',
        'event exceeds max_payload of NATS; its data stay in the journal',
        { event: journal.eventId(1), max_payload: 9096 },
      ],
    ]);
  });
});

const noted = (): [number, number | undefined] => [journal.shipped.sequence, journal.shipped.stream?.sequence];

describe('what was shipped', () => {
  test('is noted in the journal 100 ms later, once', async () => {
    happen(3);
    let notes = 0;
    ship({
      journal: Object.create(journal, {
        markShipped: {
          value: (shipped: Journal['shipped']) => {
            notes++;
            journal.markShipped(shipped);
          },
        },
      }) as Journal,
    });
    await clock.pass(99);
    // A stream that was not known, before anything is sent there.
    expect([notes, noted()]).toEqual([1, [0, 0]]);
    await clock.pass(1);
    expect([notes, noted()]).toEqual([2, [3, 3]]);
    await clock.pass(1000);
    expect(notes).toBe(2);
  });

  test('is noted at the end', async () => {
    happen(3);
    const shipper = ship();
    await clock.pass(50);
    expect(noted()).toEqual([0, 0]);
    await shipper.stop();
    expect(noted()).toEqual([3, 3]);
    expect(journal.shipped.stream?.created).toBe('life 1');
  });

  test('is noted later, where the journal cannot be written', async () => {
    happen(1);
    const failing = Object.create(journal, {
      markShipped: {
        value: () => {
          throw new Error('the disk is full');
        },
      },
    }) as Journal;
    ship({ journal: failing });
    await clock.pass(0);
    expect(lines).toEqual([
      ['warn', 'failed to record in the journal what was shipped', { error: 'the disk is full' }],
    ]);
  });

  test('up to a hole is looked for by the next run, though this one ended at once', async () => {
    happen(4);
    meets = [undefined, refused];
    const killed = ship();
    await clock.pass(0);
    expect(await stored()).toEqual([1, 3, 4].map((at) => journal.eventId(at)));
    const { shipped } = journal;
    await killed.stop();
    journal.markShipped(shipped);
    ship();
    await clock.pass(1000);
    expect(await stored()).toEqual(ids(1, 4));
  });

  test('is found again, and what the journal lacks is told of', async () => {
    happen(2);
    const first = ship();
    await clock.pass(100);
    await first.stop();
    await connection.append(streams.events, {
      subject: 'ifactor.event.n1.netlinkinterface.default.k0.Paused',
      body: '{}',
      headers: { 'ce-id': 'n1.other.3' },
    });
    const lacking: number[] = [];
    happen(1);
    const shipper = ship({ wentBack: (events) => void lacking.push(events) });
    await clock.pass(100);
    expect([lacking, shipper.lag]).toEqual([[1], 0]);
    await clock.pass(6000);
    happen(1);
    shipper.wake();
    await clock.pass(100);
    expect(lacking).toEqual([1]);
  });

  test('of what the journal does not have any more is said, and the rest is shipped', async () => {
    happen(5);
    const pruned = Object.create(journal, { first: { value: () => 4 } }) as Journal;
    const shipped = { sequence: 1, stream: { created: 'life 1', sequence: 0 } };
    Object.defineProperty(pruned, 'shipped', { value: shipped });
    const shipper = ship({ journal: pruned });
    await clock.pass(100);
    expect(lines).toEqual([
      ['warn', 'events are missing in the stream and no longer in the journal', { from: 2, to: 3 }],
    ]);
    expect([await stored(), shipper.lag]).toEqual([ids(4, 5), 0]);
  });
});
