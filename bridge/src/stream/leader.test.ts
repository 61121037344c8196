import { setImmediate } from 'node:timers/promises';
import { ensureStreams } from '@ifactor/common/nats';
import { startNats, TestClock } from '@ifactor/common/testing';
import { expect, test } from 'vitest';
import { ApiError } from '../kube/error.ts';
import { resources } from '../kube/resource.ts';
import { createMemoryKube } from '../testing/memoryKube.ts';
import { checkLease, claimLease, OtherLeaseError } from './leader.ts';

const own = { namespace: 'two', name: 'ifactor-bridge' };
const other = { namespace: 'one', name: 'ifactor-bridge' };

test('a bridge that another Lease names is refused while that one is renewed, and follows it once it is not', async () => {
  await using nats = await startNats();
  const connection = await nats.connect();
  await ensureStreams(connection);
  const api = createMemoryKube();
  const clock = new TestClock();
  const { signal } = new AbortController();
  const check = checkLease.bind(null, { connection, api, lease: own, clock, signal });

  // Streams of an older release record no Lease.
  await check();
  await claimLease(connection, other);
  // That Lease does not exist.
  await check();
  const spec = { holderIdentity: 'bridge-1', leaseDurationSeconds: 10 };
  const lease = await api.create(resources.leases, { metadata: other, spec });
  let read = Promise.withResolvers<void>();
  const watched = {
    get: async (...args: Parameters<typeof api.get>) => {
      const found = await api.get(...args);
      read.resolve();
      return found;
    },
  };
  const refused = checkLease({ connection, api: watched, lease: own, clock, signal }).catch((error: unknown) => error);
  await read.promise;
  // Then it waits, by the clock.
  await setImmediate();
  const after = await api.replace(resources.leases, { ...lease, spec: { ...spec, renewTime: 'later' } });
  await clock.pass(10_000);
  expect(await refused).toBeInstanceOf(OtherLeaseError);
  expect(String(await refused)).toContain('bridge-1 leads; nothing was changed; give --lease-namespace one');

  // A killed bridge no longer renews it.
  read = Promise.withResolvers<void>();
  const silent = checkLease({ connection, api: watched, lease: own, clock, signal });
  await read.promise;
  // Then it waits, by the clock.
  await setImmediate();
  await clock.pass(10_000);
  await silent;
  await api.replace(resources.leases, { ...after, spec: { leaseDurationSeconds: 1 } });
  await check();

  // An unreadable Lease proves nothing.
  const forbidden = { get: () => Promise.reject(new ApiError(403, { message: 'forbidden' }, 'GET lease')) };
  await expect(checkLease({ connection, api: forbidden, lease: own, clock, signal })).rejects.toThrow(OtherLeaseError);
  await claimLease(connection, own);
  await checkLease({ connection, api: forbidden, lease: own, clock, signal });
});
