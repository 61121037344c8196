import { systemClock, systemRandom } from '@ifactor/common';
import { expect, test } from 'vitest';
import { createQueue } from './queue.ts';
import { quiet } from './testing/objects.ts';

test('a key is worked on by one at a time, and once more when it changed meanwhile', async () => {
  const log: string[] = [];
  let busy = 0;
  const gate = Promise.withResolvers<void>();
  const queue = createQueue({
    workers: 4,
    log: quiet,
    clock: systemClock,
    random: systemRandom,
    async work(key) {
      expect(++busy).toBe(1);
      log.push(key);
      await gate.promise;
      busy--;
      return undefined;
    },
  });
  queue.on();
  queue.add('a');
  for (let times = 0; times < 5; times++) queue.add('a');
  gate.resolve();
  await queue.idle();
  expect(log).toEqual(['a', 'a']);
});

test('what fails is tried again; what is added while the queue is off waits', async () => {
  const tries: string[] = [];
  const done = Promise.withResolvers<void>();
  const queue = createQueue({
    workers: 1,
    log: quiet,
    clock: systemClock,
    random: systemRandom,
    work(key) {
      tries.push(key);
      if (tries.length < 3) return Promise.reject(new Error('not yet'));
      done.resolve();
      return Promise.resolve(undefined);
    },
  });
  queue.add('a');
  expect(tries).toEqual([]);
  queue.on();
  await done.promise;
  expect(tries).toEqual(['a', 'a', 'a']);
  await queue.off();
  queue.add('b');
  expect(tries).toEqual(['a', 'a', 'a']);
});

test('a key that asked to be worked on later is, once', async () => {
  const done = Promise.withResolvers<void>();
  let count = 0;
  const queue = createQueue({
    workers: 1,
    log: quiet,
    clock: systemClock,
    random: systemRandom,
    work() {
      if (++count === 2) done.resolve();
      return Promise.resolve(count === 1 ? 20 : undefined);
    },
  });
  queue.on();
  queue.add('a');
  await done.promise;
  await queue.idle();
  expect(count).toBe(2);
});
