import { expect, test } from 'vitest';
import type { KubeObject } from '../kube/object.ts';
import { made, wireguard } from '../testing/objects.ts';
import { ownerOf } from './child.ts';
import { membersOf, orphansOf } from './members.ts';
import { createReservations } from './reservations.ts';

const owned = (name: string, uid: string, namespace = 'default', plan = 'net'): KubeObject =>
  wireguard(
    name,
    { listenPort: 7000 },
    { namespace, ownerReferences: [ownerOf({ name: plan, namespace, uid, generation: 1 })] },
  );
const store = (...objects: KubeObject[]) => ({ get: () => undefined, all: () => objects });
const plan = made('WireGuardNetworkPlan', 'net', {}, { uid: 'u1' });
const names = (objects: readonly KubeObject[] = []): string[] => objects.map(({ metadata }) => metadata.name);

test('the members of a plan are those of its own namespace; a reference from another one means nothing', () => {
  const interfaces = store(owned('mine', 'u1'), owned('theirs', 'u1', 'other'), owned('old', 'u0'), wireguard('free'));
  const secrets = store(owned('key', 'u1'), owned('key', 'u1', 'other'));
  const members = membersOf({ interfaces, secrets }, plan);
  expect(names(members.children)).toEqual(['mine']);
  expect(names(members.secrets)).toEqual(['key']);
});

test('orphans name a plan of this name and namespace that is not the one there is, sorted by that plan', () => {
  const interfaces = store(
    owned('mine', 'u1'),
    owned('old', 'u0'),
    owned('older', 'u9'),
    owned('theirs', 'u0', 'other'),
    owned('of another', 'u0', 'default', 'lan'),
    wireguard('free'),
  );
  const secrets = store(owned('key', 'u0'));
  const orphans = orphansOf({ interfaces, secrets }, 'default/net', 'u1');
  expect([...orphans.keys()]).toEqual(['u0', 'u9']);
  expect(names(orphans.get('u0')?.children)).toEqual(['old']);
  expect(names(orphans.get('u0')?.secrets)).toEqual(['key']);
  expect(names(orphans.get('u9')?.children)).toEqual(['older']);
  expect([...orphansOf({ interfaces, secrets }, 'default/net', undefined).keys()]).toEqual(['u1', 'u0', 'u9']);
  expect(orphansOf({ interfaces, secrets }, 'other/lan', undefined).size).toBe(0);
});

test('ports and names are taken by what is not of this plan in this namespace, and by what other plans gave', () => {
  const theirs = wireguard(
    'theirs',
    { listenPort: 7001 },
    { namespace: 'other', ownerReferences: [ownerOf({ name: 'net', namespace: 'other', uid: 'u1', generation: 1 })] },
  );
  const lan = made('WireGuardNetworkPlan', 'lan', {}, { uid: 'u2' });
  const allocation = { fromNode: 'lax2', toNode: 'lax1', index: 0, name: 'wg-lax2-lax1-0', listenPort: 7002 };
  const plans = store(plan, { ...lan, status: { allocations: [allocation] } });
  const free = wireguard('free', { listenPort: 0 });
  const reservations = createReservations({ plans, interfaces: store(owned('mine', 'u1'), theirs, free) });
  const taken = reservations.taken(plan);
  expect(taken.port('lax1', 7000)).toBe(false);
  expect(taken.port('lax1', 7001)).toBe(true);
  expect(taken.port('lax1', 0)).toBe(false);
  expect(taken.port('lax2', 7002)).toBe(true);
  expect([taken.name('mine'), taken.name('theirs'), taken.name('free')]).toEqual([false, false, true]);
  // Allocations made since then are newer than the status.
  reservations.set(lan, [{ ...allocation, listenPort: 7003 }]);
  expect(reservations.taken(plan).port('lax2', 7002)).toBe(false);
  expect(reservations.taken(plan).port('lax2', 7003)).toBe(true);
  expect(reservations.of(lan)).toMatchObject([{ listenPort: 7003 }]);
  reservations.forget(lan);
  expect(reservations.taken(plan).port('lax2', 7003)).toBe(false);
});

test('what holds no port takes none, and what a plan gave itself is not taken from it', () => {
  const portless = { fromNode: 'lax1', toNode: 'lax2', index: 0, name: 'wg-lax1-lax2-0' };
  const plans = store({ ...plan, status: { allocations: [{ ...portless, listenPort: 7009 }] } });
  const strange = [
    wireguard('a', { node: 7, listenPort: 7001 }),
    wireguard('b', { listenPort: '7002' }),
    wireguard('c', { listenPort: 7003 }),
  ];
  const taken = createReservations({ plans, interfaces: store(...strange) }).taken(plan);
  expect([7001, 7002, 7003, 7009].map((port) => taken.port('lax1', port))).toEqual([false, false, true, false]);
  expect(taken.port('7', 7001)).toBe(false);
  const other = made('WireGuardNetworkPlan', 'lan', {}, { uid: 'u2' });
  const two = createReservations({
    plans: store({ ...other, status: { allocations: [portless] } }),
    interfaces: store(),
  });
  expect(two.taken(plan).port('lax1', undefined as never)).toBe(false);
  expect(two.of({ ...other, status: { allocations: 7 } })).toEqual([]);
  expect(two.of(other)).toEqual([]);
});
