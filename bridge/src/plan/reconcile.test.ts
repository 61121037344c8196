import { FINALIZER } from '@ifactor/crds';
import type { PlanStatus } from '@ifactor/crds';
import { publicKeyOf } from '@ifactor/common/wireguardKey';
import { expect, test } from 'vitest';
import { Brake } from '../desired/brake.ts';
import { createAbsence } from '../desired/absence.ts';
import { ApiError } from '../kube/error.ts';
import type { KubeObject } from '../kube/object.ts';
import type { KubeApi } from '../kube/port.ts';
import { resourceOf } from '../kube/resource.ts';
import { createWorld } from '../testing/world.ts';
import { planKey } from '../view/objects.ts';
import { reconcilePlan } from './reconcile.ts';
import { createReservations } from './reservations.ts';

const key = 'default/net';
const plans = 'WireGuardNetworkPlan';
const interfaces = 'WireGuardInterface';
const spec = {
  defaultPortRange: { start: 51800, end: 51820 },
  nodes: [{ nodeName: 'lax1', underlay: { hostname: '192.0.2.1' } }, { nodeName: 'lax2' }],
  links: [{ fromNode: 'lax1', toNodes: [{ nodeName: 'lax2' }] }],
};
const children = ['wg-lax1-lax2-0', 'wg-lax2-lax1-0'];
const privateKey = Buffer.alloc(32, 9).toString('base64');
const withKey = { ...spec, nodes: [{ ...spec.nodes[0], privateKey }, spec.nodes[1]] };
const ownSecret = 'net.lax1.wireguard-key';

async function bench(wanted: object | null = spec) {
  const world = createWorld();
  const { api, clock, view, writer, deletions } = world;
  const admitted: string[] = [];
  const brake = new Brake({
    living: () => 0,
    held: () => undefined,
    admitted: (one) => void admitted.push(one),
    clock,
  });
  const absence = createAbsence({ incomplete: () => [], deletions }, brake, api);
  const reservations = createReservations(view.objects);
  if (wanted !== null) await world.create(plans, { metadata: { namespace: 'default', name: 'net' }, spec: wanted });
  await world.look();
  const live = async () => (await world.get(plans, 'net'))!;
  return {
    ...world,
    admitted,
    brake,
    reservations,
    reconcile: async (through: KubeApi = api): Promise<number | undefined> => {
      const again = await reconcilePlan({ api: through, view, writer, reservations, absence, clock }, key);
      await world.look();
      return again;
    },
    live,
    status: async () => (await live()).status as PlanStatus,
    conditions: async () =>
      ((await live()).status as PlanStatus).conditions?.map(
        ({ type, status, reason }) => `${type} ${status} ${reason}`,
      ),
    change: async (next: object): Promise<void> => {
      await api.merge(resourceOf(plans), { namespace: 'default', name: 'net' }, { spec: next });
      await world.look();
      await clock.pass(1000);
    },
    remove: async (): Promise<KubeObject> => {
      const object = await live();
      await api.delete(resourceOf(plans), { namespace: 'default', name: 'net', uid: object.metadata.uid });
      await world.look();
      return object;
    },
    /** What the agent of a child reports about its key. */
    keyed: async (name: string, publicKey: string): Promise<void> => {
      const child = (await world.get(interfaces, name))!;
      world.hear(String(child.spec?.['node']));
      world.say(child, {
        observedGeneration: child.metadata.generation ?? 1,
        state: 'configured',
        conditions: [
          {
            type: 'Ready',
            status: 'True',
            reason: 'Configured',
            message: 'as declared',
            lastTransitionTime: '2026-01-01T00:00:00.000Z',
          },
        ],
        wireguard: { publicKey, listenPort: 51800, peers: [] },
      });
    },
  };
}
const keyOf = (letter: string): string => letter.padEnd(43, 'A') + '=';

test('a plan gets its finalizer, its interfaces and a status', async () => {
  const { reconcile, names, live, status, conditions } = await bench();
  expect(await reconcile()).toBeUndefined();
  expect((await live()).metadata.finalizers).toEqual([FINALIZER]);
  expect(await names(interfaces)).toEqual(children);
  expect(await conditions()).toEqual(['Ready False InterfacesNotReady', 'LinksValid True AllLinksValid']);
  expect(await status()).toMatchObject({ observedGeneration: 1, links: '0/2' });
  expect((await status()).allocations?.map(({ name, listenPort }) => [name, listenPort])).toEqual([
    ['wg-lax1-lax2-0', 51800],
    ['wg-lax2-lax1-0', 51800],
  ]);
});

test('the same again writes nothing', async () => {
  const { reconcile, live, get, clock } = await bench();
  await reconcile();
  await clock.pass(1000);
  await reconcile();
  const before = [await live(), ...(await Promise.all(children.map((name) => get(interfaces, name))))];
  await clock.pass(10_000);
  expect(await reconcile()).toBeUndefined();
  expect([await live(), ...(await Promise.all(children.map((name) => get(interfaces, name))))]).toEqual(before);
});

test('what agents say of their keys reaches the far ends, and is kept while they say nothing', async () => {
  const { reconcile, get, keyed, conditions, clock, said, status, reservations, view } = await bench();
  await reconcile();
  for (const [at, name] of children.entries()) await keyed(name, keyOf(`K${at}`));
  await clock.pass(1000);
  await reconcile();
  const peers = async (name: string) =>
    ((await get(interfaces, name))!.spec!['peers'] as { publicKey: string }[]).map(({ publicKey }) => publicKey);
  expect(await peers(children[0]!)).toEqual([keyOf('K1')]);
  expect(await peers(children[1]!)).toEqual([keyOf('K0')]);
  // The agents reported Ready for the previous spec of the interfaces.
  expect((await status()).conditions?.[0]).toMatchObject({
    status: 'False',
    reason: 'InterfacesNotReady',
    message: 'wg-lax1-lax2-0 (and 1 more) is not ready: its agent has not applied the last change yet',
  });
  await clock.pass(1000);
  await reconcile();
  expect(await conditions()).toContain('Ready False InterfacesNotReady');
  for (const [at, name] of children.entries()) await keyed(name, keyOf(`K${at}`));
  await clock.pass(1000);
  await reconcile();
  expect(await conditions()).toEqual(['Ready True InterfacesReady', 'LinksValid True AllLinksValid']);
  expect((await status()).links).toBe('2/2');
  said.clear();
  await clock.pass(1000);
  await reconcile();
  expect(await peers(children[0]!)).toEqual([keyOf('K1')]);
  expect(reservations.of(view.objects.plans.get(key)!).length).toBe(2);
});

test('a link that is taken out takes its interfaces with it', async () => {
  const { reconcile, names, change, status } = await bench();
  await reconcile();
  await change({ ...spec, links: [] });
  await reconcile();
  expect(await names(interfaces)).toEqual([]);
  expect(await status()).toMatchObject({ observedGeneration: 2, links: '0/0', allocations: [] });
});

test('a key that a plan spells out goes into a Secret of its own, which the child names', async () => {
  const { reconcile, get, names, change } = await bench(withKey);
  await reconcile();
  expect(await names('Secret')).toEqual([ownSecret]);
  const secret = await get('Secret', ownSecret);
  expect(secret).toMatchObject({
    metadata: { ownerReferences: [{ kind: plans, name: 'net', controller: true }] },
    data: { privateKey: Buffer.from(privateKey).toString('base64') },
  });
  expect((await get(interfaces, children[0]!))?.spec).toMatchObject({
    privateKeySecretRef: { name: ownSecret, namespace: 'default', key: 'privateKey' },
  });
  expect((await get(interfaces, children[1]!))?.spec).toMatchObject({
    peers: [{ publicKey: publicKeyOf(privateKey) }],
  });
  await change({ nodes: spec.nodes });
  await reconcile();
  expect(await names('Secret')).toEqual([]);
});

test("a Secret of that name which is somebody else's stays as it is, and the plan says so", async () => {
  const { reconcile, get, create, look, status } = await bench(withKey);
  await create('Secret', { metadata: { namespace: 'default', name: ownSecret }, data: { mine: 'eA==' } });
  await look();
  await reconcile();
  expect(await get('Secret', ownSecret)).toMatchObject({ data: { mine: 'eA==' } });
  expect((await status()).conditions).toMatchObject([
    {
      type: 'Ready',
      status: 'False',
      reason: 'InvalidLinks',
      message: `Secret ${ownSecret}: exists and is not this plan's; delete or rename it`,
    },
    { type: 'LinksValid', status: 'False', reason: 'NameTaken' },
  ]);
});

test.each([400, 403, 422])(
  'children that the API server refuses with %i are told on the plan and tried again',
  async (code) => {
    const { reconcile, api, conditions, status, names, clock } = await bench();
    const refused = { ...api, create: () => Promise.reject(new ApiError(code, { message: 'quota exceeded' }, 'POST')) };
    expect(await reconcile(refused)).toBe(30_000);
    expect(await conditions()).toEqual(['Ready False InvalidLinks', 'LinksValid False ChildRefused']);
    expect((await status()).conditions?.[0]?.message).toContain('children: POST: quota exceeded');
    await clock.pass(30_000);
    expect(await reconcile()).toBeUndefined();
    expect(await names(interfaces)).toEqual(children);
  },
);

test('an API server that is in trouble is no fault of the plan: its status stays, and the error is passed on', async () => {
  const { reconcile, api, live } = await bench();
  const broken = { ...api, create: () => Promise.reject(new ApiError(500, {}, 'POST')) };
  await expect(reconcile(broken)).rejects.toThrow('500');
  expect((await live()).status).toBeUndefined();
});

test('a spec that cannot be read leaves the interfaces as they are, and names the fields', async () => {
  const { reconcile, names, change, status } = await bench();
  await reconcile();
  await change({ nodes: [{ nodeName: 7 }], links: 'none' });
  expect(await reconcile()).toBeUndefined();
  expect(await names(interfaces)).toEqual(children);
  expect((await status()).conditions).toMatchObject([
    { type: 'Ready', status: 'False', reason: 'InvalidSpec', observedGeneration: 2 },
  ]);
  expect((await status()).conditions?.[0]?.message).toMatch(/^spec\.nodes\.0\.nodeName: .*; spec\.links: /);
  // Allocations are kept.
  expect((await status()).allocations).toHaveLength(2);
});

test.each([interfaces, plans, 'Secret'] as const)(
  'while %ss cannot be listed nothing is made, taken or released',
  async (kind) => {
    const { reconcile, names, missing, conditions, live, change, clock, status } = await bench(withKey);
    missing.add(kind);
    await reconcile();
    expect(await names(interfaces)).toEqual([]);
    expect((await live()).metadata.finalizers).toBeUndefined();
    expect(await conditions()).toEqual(['Ready Unknown ListIncomplete']);
    expect((await status()).conditions?.[0]?.message).toBe(
      `${kind}s missing; children, Secrets and finalizers are left as they are; see bridge/rbac.yaml`,
    );
    missing.clear();
    await clock.pass(1000);
    await reconcile();
    missing.add(kind);
    await change({ links: [] });
    await reconcile();
    expect(await names(interfaces)).toEqual(children);
    expect(await names('Secret')).toEqual([ownSecret]);
  },
);

test('a plan that neither reads nor owns a Secret does not need the list of them', async () => {
  const { reconcile, names, missing } = await bench();
  missing.add('Secret');
  await reconcile();
  expect(await names(interfaces)).toEqual(children);
});

test('a deleted plan takes its interfaces first, then its keys, then its finalizer', async () => {
  const { reconcile, names, get, api, look, remove, reservations } = await bench(withKey);
  await reconcile();
  // As with a real agent, each interface is gone only after its finalizer was removed.
  for (const name of children) {
    const child = (await get(interfaces, name))!;
    await api.merge(resourceOf(interfaces), child.metadata, { metadata: { finalizers: [FINALIZER] } });
  }
  const object = await remove();
  expect(await reconcile()).toBeUndefined();
  const going = await Promise.all(children.map((name) => get(interfaces, name)));
  expect(going.every((child) => child?.metadata.deletionTimestamp !== undefined)).toBe(true);
  expect(await names('Secret')).toEqual([ownSecret]);
  expect(await get(plans, 'net')).toBeDefined();
  for (const name of children) {
    const child = (await get(interfaces, name))!;
    await api.merge(resourceOf(interfaces), child.metadata, { metadata: { finalizers: [] } });
  }
  await look();
  await reconcile();
  expect(await names(interfaces)).toEqual([]);
  expect(await names('Secret')).toEqual([]);
  expect(await get(plans, 'net')).toBeUndefined();
  expect(reservations.of({ ...object, status: {} })).toEqual([]);
});

test('a deleted plan that only a stranger keeps is left alone, and so are its interfaces', async () => {
  const { reconcile, names, api, look, remove, live } = await bench();
  await reconcile();
  const { metadata } = await live();
  await api.merge(resourceOf(plans), metadata, { metadata: { finalizers: ['stranger.example/x'] } });
  await look();
  await remove();
  expect(await reconcile()).toBeUndefined();
  expect(await names(interfaces)).toEqual(children);
  expect((await live()).metadata.finalizers).toEqual(['stranger.example/x']);
});

test('interfaces and Secrets of a plan whose deletion was seen go with it', async () => {
  const { reconcile, names, api, look, remove, live, deletions, create } = await bench(withKey);
  await reconcile();
  await create('Secret', { metadata: { namespace: 'default', name: 'mine' } });
  const { metadata } = await live();
  await api.merge(resourceOf(plans), metadata, { metadata: { finalizers: [] } });
  await look();
  await remove();
  // Missing from the list, but no deletion was seen: the brake must admit it first.
  expect(await reconcile()).toBeUndefined();
  expect(await names(interfaces)).toEqual(children);
  deletions.add(planKey(key), metadata.uid);
  expect(await reconcile()).toBeUndefined();
  expect(await names(interfaces)).toEqual([]);
  expect(await names('Secret')).toEqual(['mine']);
});

test('interfaces of a plan that is only missing from the list wait for the brake, counted one by one', async () => {
  const { reconcile, names, api, look, remove, live, brake, clock, admitted } = await bench();
  await reconcile();
  const { metadata } = await live();
  await api.merge(resourceOf(plans), metadata, { metadata: { finalizers: [] } });
  await look();
  await remove();
  expect(await reconcile()).toBeUndefined();
  expect(brake.waiting).toBe(2);
  expect(await names(interfaces)).toEqual(children);
  await clock.pass(1000);
  expect(admitted).toEqual([planKey(key)]);
  await reconcile();
  expect(await names(interfaces)).toEqual([]);
  // Stored: the next time, absence is checked again.
  expect(brake.admits(planKey(key))).toBe(false);
});

test('a plan that is there again is waited for no longer', async () => {
  const { reconcile, brake } = await bench();
  brake.admits(planKey(key), 2);
  await reconcile();
  expect(brake.waiting).toBe(0);
});

test('what an earlier plan of the same name left goes as soon as there is another', async () => {
  const { reconcile, names, create, look, get } = await bench();
  await create(interfaces, {
    metadata: {
      namespace: 'default',
      name: 'left-over',
      ownerReferences: [
        { apiVersion: 'networking.dn42.io/v1alpha1', kind: plans, name: 'net', uid: 'earlier', controller: true },
      ] as never,
    },
    spec: { node: 'lax1', interfaceName: 'wg9' },
  });
  await look();
  await reconcile();
  expect(await names(interfaces)).toEqual(children);
  expect(await get(interfaces, 'left-over')).toBeUndefined();
});

test('a plan that there is not needs nothing', async () => {
  const { reconcile, missing } = await bench(null);
  expect(await reconcile()).toBeUndefined();
  missing.add(interfaces);
  expect(await reconcile()).toBeUndefined();
});

test('the finalizer that could not be written is tried again', async () => {
  const { reconcile, view, live } = await bench();
  view.objects.plans.get(key)!.metadata.resourceVersion = '0';
  expect(await reconcile()).toBe(1000);
  expect((await live()).metadata.finalizers).toBeUndefined();
});
