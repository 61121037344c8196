import type { Log } from '@ifactor/common';
import { TestClock } from '@ifactor/common/testing';
import { expect, test } from 'vitest';
import type { EventNote } from '../kube/recorder.ts';
import { resources } from '../kube/resource.ts';
import { createMemoryKube } from '../testing/memoryKube.ts';
import { Brake } from './brake.ts';
import { createHold, releaseHeld } from './hold.ts';

const held = 'networking.dn42.io/held';
const release = 'networking.dn42.io/release';
const lease = { namespace: 'ifactor', name: 'ifactor-bridge' };

/** A brake that holds back `waiting` tombstones, and the Lease that reports them. */
async function bench(waiting: number, { withLease = true } = {}) {
  const clock = new TestClock();
  const api = createMemoryKube(() => clock.now());
  if (withLease) await api.create(resources.leases, { metadata: lease });
  const admitted: string[] = [];
  const brake = new Brake({
    living: () => 0,
    held: () => undefined,
    admitted: (key) => void admitted.push(key),
    clock,
  });
  for (let at = 0; at < waiting; at++) brake.admits(`k${at}`);
  const notes: (EventNote & { on: string })[] = [];
  const warnings: string[] = [];
  const debugs: string[] = [];
  const log = {
    warn: (message: string, fields: object) => void warnings.push(`${message} ${JSON.stringify(fields)}`),
    debug: (message: string, { error }: { error: string }) => void debugs.push(`${message}: ${error}`),
  } as unknown as Log;
  let reads = 0;
  const counted = {
    ...api,
    get: (...args: Parameters<typeof api.get>) => {
      reads++;
      return api.get(...args);
    },
  };
  const hold = createHold({
    api: counted,
    lease,
    recorder: { note: ({ metadata }, note) => void notes.push({ ...note, on: metadata.name }) },
    clock,
    log,
  });
  const annotations = async (): Promise<Record<string, string>> =>
    (await api.get(resources.leases, lease))?.metadata.annotations ?? {};
  const accept = (count: string): Promise<unknown> =>
    api.merge(resources.leases, lease, { metadata: { annotations: { [release]: count } } });
  return { clock, api, brake, hold, admitted, notes, warnings, debugs, annotations, accept, reads: () => reads };
}

test('what waits is said once, on the Lease, in the log and as an Event, with what to do', async () => {
  const { clock, brake, hold, notes, warnings, annotations } = await bench(11);
  hold.begin(brake, 10);
  await clock.pass(0);
  expect(await annotations()).toEqual({ [held]: '11' });
  expect(notes).toHaveLength(1);
  expect(notes[0]).toMatchObject({ on: lease.name, type: 'Warning', reason: 'TombstonesHeld' });
  expect(notes[0]!.message).toMatch(/^11 interfaces are missing .*more than 10 within 60 s .*ifactor bridge release$/);
  await clock.pass(10_000);
  expect(notes).toHaveLength(1);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain('{"held":11,"limit":10}');
  // More of them: reported once more.
  brake.admits('k11');
  await clock.pass(2000);
  expect(notes.map(({ message }) => message.slice(0, 2))).toEqual(['11', '12']);
  expect(await annotations()).toEqual({ [held]: '12' });
});

test('the Lease is read every two seconds, and written only when the number changes', async () => {
  const { clock, api, brake, hold, reads } = await bench(11);
  hold.begin(brake, 10);
  hold.begin(brake, 10);
  await clock.pass(0);
  expect(reads()).toBe(1);
  const before = await api.get(resources.leases, lease);
  await clock.pass(1999);
  expect(reads()).toBe(1);
  await clock.pass(8001);
  expect(reads()).toBe(6);
  expect(await api.get(resources.leases, lease)).toEqual(before);
});

test('a release of as many as wait lets them go, clears the Lease and ends the looking', async () => {
  const { clock, brake, hold, admitted, warnings, annotations, accept, reads } = await bench(11);
  hold.begin(brake, 10);
  await clock.pass(0);
  await accept('11');
  await clock.pass(2000);
  expect(admitted).toHaveLength(11);
  expect(await annotations()).toEqual({});
  expect(warnings.at(-1)).toBe('tombstones released by hand {"released":11}');
  const looks = reads();
  await clock.pass(60_000);
  expect(reads()).toBe(looks);
  // The next time it is reported again.
  for (let at = 0; at < 11; at++) brake.admits(`again${at}`);
  hold.begin(brake, 10);
  await clock.pass(0);
  expect(warnings.at(-1)).toMatch(/^11 interfaces are missing/);
});

test.each(['10', 'many', ''])('a release of "%s" where 11 wait is ignored, taken away and said', async (count) => {
  const { clock, brake, hold, admitted, warnings, annotations, accept } = await bench(11);
  hold.begin(brake, 10);
  await clock.pass(0);
  await accept(count);
  await clock.pass(2000);
  expect(admitted).toEqual([]);
  expect(brake.waiting).toBe(11);
  expect(await annotations()).toEqual({ [held]: '11' });
  expect(warnings.at(-1)).toBe(
    `release ignored: more tombstones wait than it names {"waiting":11,"release":"${count}"}`,
  );
});

test('objects that were seen again are not waited for: the Lease says so no more', async () => {
  const { clock, brake, hold, notes, annotations, reads } = await bench(11);
  hold.begin(brake, 10);
  await clock.pass(0);
  for (let at = 0; at < 11; at++) brake.forget(`k${at}`);
  await clock.pass(2000);
  expect(await annotations()).toEqual({});
  expect(notes).toHaveLength(1);
  const looks = reads();
  await clock.pass(10_000);
  expect(reads()).toBe(looks);
});

test('a bridge that no longer leads stops looking', async () => {
  const { clock, brake, hold, reads } = await bench(11);
  hold.stop();
  hold.begin(brake, 10);
  await clock.pass(0);
  hold.stop();
  await clock.pass(60_000);
  expect(reads()).toBe(1);
});

test('without a Lease nothing is released, and looking goes on until there is one', async () => {
  const { clock, api, brake, hold, notes, annotations } = await bench(11, { withLease: false });
  hold.begin(brake, 10);
  await clock.pass(10_000);
  expect(notes).toEqual([]);
  expect(brake.waiting).toBe(11);
  await api.create(resources.leases, { metadata: lease });
  await clock.pass(2000);
  expect(await annotations()).toEqual({ [held]: '11' });
});

test('an API server that is away is asked again', async () => {
  const { clock, brake, debugs } = await bench(11);
  const hold = createHold({
    api: { get: () => Promise.reject(new Error('away')), merge: () => Promise.reject(new Error('away')) },
    lease,
    recorder: { note: () => undefined },
    clock,
    log: { debug: (message: string, { error }: { error: string }) => debugs.push(`${message}: ${error}`) } as never,
  });
  hold.begin(brake, 10);
  await clock.pass(2000);
  expect(debugs).toEqual(Array(2).fill('the Lease could not be read or annotated: away'));
});

test('a person releases what is held now, or no more than was looked at', async () => {
  const { clock, api, brake, hold, annotations } = await bench(11);
  expect(await releaseHeld(api, lease)).toBe(0);
  expect(await releaseHeld(api, lease, 5)).toBe(0);
  expect(await annotations()).toEqual({});
  hold.begin(brake, 10);
  await clock.pass(0);
  expect(await releaseHeld(api, lease, 7)).toBe(7);
  expect(await annotations()).toEqual({ [held]: '11', [release]: '7' });
  expect(await releaseHeld(api, lease)).toBe(11);
  expect(await annotations()).toEqual({ [held]: '11', [release]: '11' });
  expect(await releaseHeld(api, { ...lease, name: 'other' })).toBe(0);
});
