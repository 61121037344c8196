import type { Clock } from '@ifactor/common';
import { FINALIZER } from '@ifactor/crds';
import type { InterfaceStatus } from '@ifactor/crds';
import { expect, test } from 'vitest';
import type { KubeObject } from '../kube/object.ts';
import { resourceOf } from '../kube/resource.ts';
import { createWorld } from '../testing/world.ts';
import type { World } from '../testing/world.ts';
import type { Hindrance } from '../desired/publish.ts';
import { reconcileStatus } from './reconcile.ts';

const key = 'wireguardinterface/default/wg1';
const kind = 'WireGuardInterface';
const resource = resourceOf(kind);
const stranger = 'stranger.example/x';

async function bench({ node = 'lax1', finalizers = [] as string[] } = {}) {
  const world = createWorld();
  const strays: string[] = [];
  const object = await world.create(kind, {
    metadata: { namespace: 'default', name: 'wg1', ...(finalizers.length > 0 && { finalizers }) },
    spec: { node, interfaceName: 'wg1' },
  });
  await world.look();
  const unsent = new Map<string, Hindrance>();
  return {
    ...world,
    object,
    strays,
    unsent,
    /** Reconciles, and updates the view. */
    reconcile: async (): Promise<number | undefined> => {
      const again = await reconcileStatus(
        { ...world, unsent, stray: (subject) => Promise.resolve(void strays.push(subject.split('.')[2] ?? '')) },
        key,
      );
      await world.look();
      return again;
    },
    live: async () => (await world.get(kind, 'wg1'))!,
    /** How long the bridge waits for an agent's first status. */
    settled: () => world.clock.pass(3000),
  };
}

const ready = (status: 'True' | 'False', reason: string): InterfaceStatus => ({
  state: status === 'True' ? 'configured' : 'pending',
  observedGeneration: 1,
  conditions: [{ type: 'Ready', status, reason, message: reason, lastTransitionTime: '2026-01-01T00:00:00.000Z' }],
});
const reasonOf = ({ status }: KubeObject): unknown =>
  (status as InterfaceStatus | undefined)?.conditions?.map((one) => `${one.status} ${one.reason}`).join();
const doom = ({ api }: Pick<World, 'api'>, { metadata }: KubeObject) =>
  api.delete(resource, { namespace: 'default', name: metadata.name, uid: metadata.uid });

test("an object gets our finalizer beside a stranger's, and what its agent says", async () => {
  const { reconcile, hear, say, live, object, notes } = await bench({ finalizers: [stranger] });
  hear('lax1');
  say(object, ready('True', 'Configured'));
  expect(await reconcile()).toBeUndefined();
  expect((await live()).metadata.finalizers).toEqual([stranger, FINALIZER]);
  expect(reasonOf(await live())).toBe('True Configured');
  expect(notes).toEqual([{ type: 'Normal', reason: 'Configured', message: 'Configured' }]);
});

test('once it is as it should be nothing is written', async () => {
  const { reconcile, hear, say, live, object, clock } = await bench();
  hear('lax1');
  say(object, ready('True', 'Configured'));
  await reconcile();
  const before = await live();
  await clock.pass(10_000);
  expect(await reconcile()).toBeUndefined();
  expect(await live()).toEqual(before);
});

test('without a whole list no finalizer is added or removed and no stray answered, but the status is shown', async () => {
  const { reconcile, hear, say, live, object, missing, said, strays } = await bench();
  hear('lax1');
  say({ ...object, spec: { node: 'lax2' } }, ready('True', 'Configured'));
  say(object, ready('True', 'Configured'));
  missing.add(kind);
  await reconcile();
  expect((await live()).metadata.finalizers).toBeUndefined();
  expect(reasonOf(await live())).toBe('True Configured');
  expect(strays).toEqual([]);
  missing.clear();
  await reconcile();
  expect((await live()).metadata.finalizers).toEqual([FINALIZER]);
  expect(strays).toEqual(['lax2']);
  expect(said.size).toBe(2);
});

const refuse = (subject: string): Promise<void> => Promise.reject(new Error(subject));

test('what agents say of an object that is gone is answered, of a kind that is ours', async () => {
  const { reconcile, say, object, strays, api, view, writer, clock, look, unsent } = await bench();
  say(object, ready('True', 'Configured'));
  await doom({ api }, object);
  await look();
  expect(await reconcile()).toBeUndefined();
  expect(strays).toEqual(['lax1']);
  expect(await reconcileStatus({ view, writer, clock, unsent, stray: refuse }, 'pod/default/wg1')).toBeUndefined();
});

test('what is said of an object without a legal node is left: it may get its node back', async () => {
  const { reconcile, say, object, strays, live } = await bench({ node: 'No Name' });
  say({ ...object, spec: { node: 'lax1' } }, ready('True', 'Configured'));
  expect(await reconcile()).toBeUndefined();
  expect(strays).toEqual([]);
  expect(reasonOf(await live())).toBe('False InvalidSpec');
});

test("a deleted object keeps its finalizer until its agent says that it is gone; a stranger's stays", async () => {
  const { reconcile, hear, say, live, object, api, look, clock } = await bench({ finalizers: [stranger] });
  hear('lax1');
  say(object, ready('True', 'Configured'));
  await reconcile();
  await doom({ api }, object);
  await look();
  await clock.pass(1000);
  say(object, { ...ready('False', 'Deleting'), state: 'deleting' });
  expect(await reconcile()).toBeUndefined();
  expect((await live()).metadata.finalizers).toEqual([stranger, FINALIZER]);
  expect(reasonOf(await live())).toBe('False Deleting');
  say(object, { ...ready('False', 'Deleted'), state: 'deleted' });
  expect(await reconcile()).toBeUndefined();
  expect((await live()).metadata.finalizers).toEqual([stranger]);
  // Only finalizers of others are left.
  const before = await live();
  await clock.pass(10_000);
  expect(await reconcile()).toBeUndefined();
  expect(await live()).toEqual(before);
});

test('a deleted object is not released while its kind cannot be listed to its end', async () => {
  const { reconcile, hear, say, live, object, api, look, missing, get } = await bench();
  hear('lax1');
  await reconcile();
  await doom({ api }, object);
  await look();
  say(object, { ...ready('False', 'Deleted'), state: 'deleted' });
  missing.add(kind);
  await reconcile();
  expect((await live()).metadata.finalizers).toEqual([FINALIZER]);
  missing.clear();
  await reconcile();
  expect(await get(kind, 'wg1')).toBeUndefined();
});

test('a deleted object of a node that never was is released after the list of nodes is old enough', async () => {
  const { reconcile, object, api, look, clock, nodes, get } = await bench({ node: 'nowhere' });
  nodes.created(clock.now());
  await reconcile();
  await doom({ api }, object);
  await look();
  await clock.pass(1000);
  expect(await reconcile()).toBe(29_000);
  expect(await get(kind, 'wg1')).toBeDefined();
  await clock.pass(29_000);
  expect(await reconcile()).toBeUndefined();
  expect(await get(kind, 'wg1')).toBeUndefined();
});

test('a deleted object without a legal node waits until somebody mends it, and is not looked at until then', async () => {
  const { reconcile, object, api, look, live } = await bench({ node: 'No Name' });
  await reconcile();
  await doom({ api }, object);
  await look();
  expect(await reconcile()).toBeUndefined();
  expect((await live()).metadata.finalizers).toEqual([FINALIZER]);
  expect(reasonOf(await live())).toBe('False InvalidSpec');
});

test('an agent has three seconds for its first status before Pending is written', async () => {
  const { reconcile, hear, live, clock } = await bench();
  hear('lax1');
  expect(await reconcile()).toBe(3000);
  expect(reasonOf(await live())).toBeUndefined();
  await clock.pass(2999);
  expect(await reconcile()).toBe(1);
  await clock.pass(1);
  expect(await reconcile()).toBeUndefined();
  expect(reasonOf(await live())).toBe('Unknown Pending');
});

test('an object whose node shows another seal key says so, and keeps what its agent said of it', async () => {
  const { reconcile, hear, say, live, object, unsent, settled } = await bench();
  unsent.set(key, { reason: 'SealKeyChanged', message: 'node lax1 shows another' });
  hear('lax1');
  say(object, ready('True', 'Configured'));
  await settled();
  await reconcile();
  expect((await live()).status).toMatchObject({
    state: 'configured',
    conditions: [{ status: 'Unknown', reason: 'SealKeyChanged', message: 'node lax1 shows another' }],
  });
  unsent.clear();
  await settled();
  await reconcile();
  expect(reasonOf(await live())).toBe('True Configured');
});

test('an object whose change has no room in NATS says so, and keeps what its agent said of it', async () => {
  const { reconcile, hear, say, live, object, unsent, settled } = await bench();
  unsent.set(key, { reason: 'NatsFull', message: 'stream IFACTOR_DESIRED is full' });
  await settled();
  await reconcile();
  expect(reasonOf(await live())).toBe('Unknown NodeUnknown');
  hear('lax1');
  say(object, ready('True', 'Configured'));
  await settled();
  await reconcile();
  expect((await live()).status).toMatchObject({
    state: 'configured',
    conditions: [
      { reason: 'NatsFull', message: 'the last change was not sent to node lax1: stream IFACTOR_DESIRED is full' },
    ],
  });
  unsent.clear();
  await settled();
  await reconcile();
  expect(reasonOf(await live())).toBe('True Configured');
});

test('an object from the future, as a clock that is off says, is not waited for', async () => {
  const { hear, live, clock, view, writer, look, unsent } = await bench();
  hear('lax1');
  const behind: Clock = {
    now: () => clock.now() - 1,
    monotonic: () => clock.monotonic(),
    after: (milliseconds, elapsed) => clock.after(milliseconds, elapsed),
  };
  await reconcileStatus({ view, writer, clock: behind, unsent, stray: () => Promise.resolve() }, key);
  await look();
  expect(reasonOf(await live())).toBe('Unknown Pending');
});

test.each(['pending', 'creating', 'drifted'] as const)('a status %s is given 200 ms to pass', async (state) => {
  const { reconcile, hear, say, live, object, clock } = await bench();
  hear('lax1');
  say(object, { ...ready('False', 'Underway'), state });
  await reconcile();
  expect(reasonOf(await live())).toBeUndefined();
  await clock.pass(150);
  expect(await reconcile()).toBe(50);
  expect(reasonOf(await live())).toBeUndefined();
  await clock.pass(50);
  expect(await reconcile()).toBeUndefined();
  expect(reasonOf(await live())).toBe('False Underway');
});

test('a status that the server stored later than it is there is shown at once', async () => {
  const { reconcile, hear, say, live, object, clock } = await bench();
  hear('lax1');
  say(object, { ...ready('False', 'Underway'), state: 'pending' }, clock.now() + 1);
  expect(await reconcile()).toBeUndefined();
  expect(reasonOf(await live())).toBe('False Underway');
});

test('that a node is unknown or silent is said at once', async () => {
  const { reconcile, hear, say, live, object, clock } = await bench();
  await reconcile();
  expect(reasonOf(await live())).toBe('Unknown NodeUnknown');
  hear('lax1');
  say(object, { ...ready('False', 'Underway'), state: 'pending' });
  await clock.pass(30_001);
  await reconcile();
  expect(reasonOf(await live())).toBe('Unknown NodeUnreachable');
});

test('what an agent said of an earlier life of the name is not shown', async () => {
  const { reconcile, hear, say, live, object, settled } = await bench();
  hear('lax1');
  say({ ...object, metadata: { ...object.metadata, uid: 'earlier' } }, ready('True', 'Configured'));
  await settled();
  await reconcile();
  expect(reasonOf(await live())).toBe('Unknown Pending');
});

test('of two times to look again the earlier one is named', async () => {
  const { reconcile, hear, say, live, object, view } = await bench();
  hear('lax1');
  say(object, { ...ready('False', 'Underway'), state: 'pending' });
  // The finalizer meets a version that is newer than the view's: tried again in a second, the status in 200 ms.
  const stale = view.objects.get(key)!;
  stale.metadata.resourceVersion = '0';
  expect(await reconcile()).toBe(200);
  expect((await live()).metadata.finalizers).toBeUndefined();
});
