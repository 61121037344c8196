import { createLog } from '@ifactor/common';
import { expect, test } from 'vitest';
import type { Kernel, Netns } from '../kernel/kernel.ts';
import { systemRuntime } from '../runtime.ts';
import { NetnsFollower } from './follower.ts';
import type { ResolvedNetns } from './location.ts';

const netns = (id: string, closed: string[]): Netns =>
  ({ id, subscribe: () => () => {}, close: () => closed.push(id) }) as unknown as Netns;

test('a netns other than the one that was looked at is not told', async () => {
  const closed: string[] = [];
  const opened = [netns('2', closed), netns('1', closed)];
  const kernel = { open: async () => opened.shift()! } as unknown as Kernel;
  const told: ResolvedNetns[] = [];
  const done = Promise.withResolvers<void>();
  const follower = new NetnsFollower({
    kernel,
    label: 'it',
    isForbidden: () => false,
    runtime: systemRuntime(createLog('test', 'error')),
    start: (report) => {
      const say = (): void => report({ path: '/p', id: '1' });
      setImmediate(say);
      return { recheck: say, stop: () => {} };
    },
  });
  follower.add((place) => {
    told.push(place);
    done.resolve();
  });
  await done.promise;
  expect(told.map((place) => 'netns' in place && place.netns.id)).toEqual(['1']);
  expect(closed).toEqual(['2']);
  follower.stop();
});
