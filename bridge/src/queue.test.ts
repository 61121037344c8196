import type { Log } from '@ifactor/common';
import { TestClock } from '@ifactor/common/testing';
import { expect, test } from 'vitest';
import { createQueue } from './queue.ts';
import type { QueueOptions } from './queue.ts';

type Line = { level: string; message: string; fields: Record<string, unknown> | undefined };

/** A queue whose work the test completes explicitly, on its own clock. */
function bench(options: Partial<Pick<QueueOptions, 'workers' | 'work'>> = {}) {
  const clock = new TestClock();
  const lines: Line[] = [];
  const started: string[] = [];
  const running = new Map<string, PromiseWithResolvers<number | undefined>>();
  const line =
    (level: string) =>
    (message: string, fields?: Record<string, unknown>): void =>
      void lines.push({ level, message, fields });
  const log = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') } as unknown as Log;
  const queue = createQueue({
    workers: 4,
    log,
    clock,
    // The longest delays.
    random: { fraction: () => 0, uuid: () => '' },
    work(key) {
      expect(running.has(key)).toBe(false);
      started.push(key);
      const work = Promise.withResolvers<number | undefined>();
      running.set(key, work);
      return work.promise;
    },
    ...options,
  });
  /** Ends the work in flight on a key. */
  const end = (key: string, again?: number): void => {
    running.get(key)?.resolve(again);
    running.delete(key);
  };
  const fail = (key: string, error: Error): void => {
    running.get(key)?.reject(error);
    running.delete(key);
  };
  const turn = (): Promise<void> => clock.pass(0);
  /** The state of a promise now. */
  const settled = async (promise: Promise<void>): Promise<boolean> => {
    let done = false;
    void promise.then(() => (done = true));
    await turn();
    return done;
  };
  return { queue, clock, lines, started, end, fail, turn, settled };
}

test('a key is worked on by one at a time, and once more when it changed meanwhile', async () => {
  const { queue, started, end, turn, settled } = bench();
  queue.on();
  for (let times = 0; times < 5; times++) queue.add('a');
  expect(started).toEqual(['a']);
  end('a');
  await turn();
  expect(started).toEqual(['a', 'a']);
  const idle = queue.idle();
  expect(await settled(idle)).toBe(false);
  end('a');
  expect(await settled(idle)).toBe(true);
  expect(started).toEqual(['a', 'a']);
});

test('as many keys are worked on at once as there are workers; the first added are the first', async () => {
  const { queue, started, end, turn } = bench({ workers: 2 });
  queue.on();
  for (const key of ['a', 'b', 'c', 'd']) queue.add(key);
  expect(started).toEqual(['a', 'b']);
  end('b');
  await turn();
  expect(started).toEqual(['a', 'b', 'c']);
  // A key that changes while it is being processed does not delay the others.
  queue.add('a');
  end('c');
  await turn();
  expect(started).toEqual(['a', 'b', 'c', 'd']);
  end('d');
  await turn();
  expect(started).toEqual(['a', 'b', 'c', 'd']);
  end('a');
  await turn();
  expect(started).toEqual(['a', 'b', 'c', 'd', 'a']);
});

test('while the queue is off nothing starts and nothing is forgotten', async () => {
  const { queue, started, end, settled } = bench();
  queue.add('a');
  expect(started).toEqual([]);
  queue.on();
  expect(started).toEqual(['a']);
  const off = queue.off();
  queue.add('a');
  queue.add('b');
  expect(await settled(off)).toBe(false);
  end('a');
  expect(await settled(off)).toBe(true);
  expect(started).toEqual(['a']);
  expect(await settled(queue.off())).toBe(true);
  expect(await settled(queue.idle())).toBe(false);
  queue.on();
  expect(started).toEqual(['a', 'a', 'b']);
});

test('each who waits for rest is told when it is there, and not before', async () => {
  const { queue, end, settled } = bench();
  queue.on();
  queue.add('a');
  queue.add('b');
  const first = queue.idle();
  const second = queue.idle();
  end('a');
  expect(await settled(first)).toBe(false);
  end('b');
  expect(await settled(first)).toBe(true);
  expect(await settled(second)).toBe(true);
});

test('what fails is tried again, after a time that doubles to 30 s and starts over after a success', async () => {
  const { queue, clock, started, end, fail, turn } = bench();
  queue.on();
  queue.add('a');
  for (const wait of [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]) {
    const tries = started.length;
    fail('a', new Error('away'));
    await clock.pass(wait - 1);
    expect(started).toHaveLength(tries);
    await clock.pass(1);
    expect(started).toHaveLength(tries + 1);
  }
  end('a');
  await turn();
  queue.add('a');
  await turn();
  const tries = started.length;
  fail('a', new Error('away'));
  await clock.pass(100);
  expect(started).toHaveLength(tries + 1);
});

test('a key that is added does not wait for its retry, and is not tried twice for that', async () => {
  const { queue, clock, started, end, fail, turn } = bench();
  queue.on();
  queue.add('a');
  fail('a', new Error('away'));
  await turn();
  queue.add('a');
  expect(started).toEqual(['a', 'a']);
  end('a');
  await clock.pass(60_000);
  expect(started).toEqual(['a', 'a']);
});

test('a key that asked to be worked on later is, once', async () => {
  const { queue, clock, started, end } = bench();
  queue.on();
  queue.add('a');
  end('a', 20);
  await clock.pass(19);
  expect(started).toEqual(['a']);
  await clock.pass(1);
  expect(started).toEqual(['a', 'a']);
  end('a');
  await clock.pass(60_000);
  expect(started).toEqual(['a', 'a']);
});

test('work that wants to go on at once does', async () => {
  const { queue, clock, started, end } = bench();
  queue.on();
  queue.add('a');
  end('a', 0);
  await clock.pass(0);
  expect(started).toEqual(['a', 'a']);
});

test('of two times to look at a key again the earlier counts', async () => {
  const { queue, clock, started, end } = bench();
  queue.on();
  queue.later('a', 100);
  queue.later('a', 300);
  queue.later('a', 50);
  queue.later('a', 50);
  await clock.pass(49);
  expect(started).toEqual([]);
  await clock.pass(1);
  expect(started).toEqual(['a']);
  end('a');
  await clock.pass(1000);
  expect(started).toEqual(['a']);
});

test('a key that is due anyhow needs no timer', async () => {
  const { queue, clock, started, end } = bench();
  queue.add('a');
  queue.later('a', 10);
  queue.on();
  end('a');
  await clock.pass(1000);
  expect(started).toEqual(['a']);
});

test('of many failures one in ten seconds is a warning, the others can be looked up', async () => {
  const { queue, clock, lines, fail, turn } = bench();
  queue.on();
  for (const key of ['a', 'b']) {
    queue.add(key);
    fail(key, new Error(`${key} is away`));
    await turn();
  }
  expect(lines).toEqual([
    {
      level: 'warn',
      message: 'reconciling failed; retrying',
      fields: { key: 'a', error: 'a is away', milliseconds: 100, failing: 1 },
    },
    {
      level: 'debug',
      message: 'reconciling failed; retrying',
      fields: { key: 'b', error: 'b is away', milliseconds: 100, failing: 2 },
    },
  ]);
  const later = async (milliseconds: number, key: string): Promise<string | undefined> => {
    await queue.off();
    await clock.pass(milliseconds);
    queue.on();
    queue.add(key);
    fail(key, new Error('away'));
    await turn();
    return lines.findLast(({ fields }) => fields?.['key'] === key)?.level;
  };
  for (const key of ['a', 'b']) fail(key, new Error('away'));
  expect(await later(10_000, 'c')).toBe('debug');
  for (const key of ['a', 'b']) fail(key, new Error('away'));
  expect(await later(1, 'd')).toBe('warn');
});

test('what fails while the queue is off is not logged, and tried when it is on again', async () => {
  const { queue, clock, lines, started, fail } = bench();
  queue.on();
  queue.add('a');
  const off = queue.off();
  fail('a', new Error('connection closed'));
  await off;
  expect(lines).toEqual([]);
  await clock.pass(1000);
  expect(started).toEqual(['a']);
  queue.on();
  expect(started).toEqual(['a', 'a']);
});
