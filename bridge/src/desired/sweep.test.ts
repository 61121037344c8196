import { formatDesiredSubject } from '@ifactor/crds';
import { systemClock, systemRandom } from '@ifactor/common';
import { eventStoreOf, streams } from '@ifactor/common/nats';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { draft, tombstone } from './draft.ts';
import { createOutage } from '../view/outage.ts';
import { tombstoneStray } from './publish.ts';
import { createSealer } from './seal.ts';
import type { KubeObject } from '../kube/object.ts';
import { follow } from '../stream/follower.ts';
import type { StreamFollower } from '../stream/follower.ts';
import { createPublisher, readDesired } from '../stream/publisher.ts';
import type { Publisher } from '../stream/publisher.ts';
import { startSweeping, sweepAction } from './sweep.ts';
import { startNats, until } from '@ifactor/common/testing';
import { quiet, wireguard } from '../testing/objects.ts';

const subject = (name: string): string =>
  formatDesiredSubject({ node: 'lax1', kind: 'wireguardinterface', namespace: 'default', name });
const wish = (name: string) => draft(wireguard(name), { get: () => undefined, forbidden: false }, undefined);
const gone = (name: string) => tombstone({ ...wish(name).desired, secrets: [] });

type Side = {
  desired: StreamFollower;
  publisher: Publisher;
  stop: AbortController;
  sweep: (leads: boolean, keep: number) => void;
};
async function side(connection: NatsConnection): Promise<Side> {
  const stop = new AbortController();
  const { signal } = stop;
  const store = eventStoreOf(connection);
  const desired = follow({
    store,
    stream: streams.desired,
    outage: createOutage(quiet, 'back'),
    clock: systemClock,
    random: systemRandom,
    signal,
    onChange: () => undefined,
  });
  await desired.settled;
  let leading = true;
  const publisher = createPublisher({
    store,
    follower: desired,
    sealer: createSealer(),
    leads: () => leading,
    clock: systemClock,
  });
  return {
    desired,
    publisher,
    stop,
    sweep(leads, retentionMs) {
      leading = leads;
      startSweeping({ desired, publisher, leads: () => leads, log: quiet, clock: systemClock, retentionMs, signal });
    },
  };
}
const subjects = async (connection: NatsConnection): Promise<string[]> => {
  const { state } = await (await jetstreamManager(connection)).streams.info(streams.desired, { subjects_filter: '>' });
  return Object.keys(state.subjects ?? {})
    .map((one) => one.split('.').at(-1) ?? '')
    .toSorted();
};

test('tombstones go when they are old enough, wishes stay, and only the leader takes anything out', async () => {
  await using nats = await startNats();
  const connection = await nats.connect();
  const leader = await side(connection);
  const second = await side(await nats.connect());
  for (const name of ['wg1', 'wg2', 'wg3'])
    await leader.publisher.publish(subject(name), wish(name), leader.desired.get(subject(name)));
  for (const name of ['wg1', 'wg2'])
    await leader.publisher.publish(subject(name), gone(name), leader.desired.get(subject(name)));
  await until(() => [...second.desired.all()].length === 3);
  second.sweep(false, 1);
  leader.sweep(true, 500);
  expect(await subjects(connection)).toEqual(['wg1', 'wg2', 'wg3']);
  await until(async () => (await subjects(connection)).join() === 'wg3', 'the tombstones to go');
  expect([...leader.desired.all()].map((entry) => entry.subject)).toEqual([subject('wg3')]);
  // Used again, the name begins from nothing.
  await leader.publisher.publish(subject('wg1'), wish('wg1'), leader.desired.get(subject('wg1')));
  expect(await subjects(connection)).toEqual(['wg1', 'wg3']);
  for (const { stop } of [leader, second]) stop.abort();
});

test('a tombstone is not taken out together with what was wanted after it', async () => {
  await using nats = await startNats();
  const connection = await nats.connect();
  const { desired, publisher, stop } = await side(connection);
  await publisher.publish(subject('wg1'), gone('wg1'), desired.get(subject('wg1')));
  const old = desired.get(subject('wg1'))!;
  await publisher.publish(subject('wg1'), wish('wg1'), desired.get(subject('wg1')));
  await publisher.purgeTombstone(old);
  expect(await subjects(connection)).toEqual(['wg1']);
  expect(desired.get(subject('wg1'))?.sequence).toBe(2);
  stop.abort();
});

test('who stands by learns what the leader took out', async () => {
  await using nats = await startNats();
  const connection = await nats.connect();
  const leader = await side(connection);
  const second = await side(await nats.connect());
  await leader.publisher.publish(subject('wg1'), gone('wg1'), leader.desired.get(subject('wg1')));
  await until(() => second.desired.get(subject('wg1')) !== undefined);
  await leader.publisher.purgeTombstone(leader.desired.get(subject('wg1'))!);
  expect(second.desired.get(subject('wg1'))).toBeDefined();
  await second.publisher.reread(subject('wg1'));
  expect(second.desired.get(subject('wg1'))).toBeUndefined();
  for (const { stop } of [leader, second]) stop.abort();
});

test("an agent is told again of what is gone by the API server's word only", async () => {
  await using nats = await startNats();
  const { desired, publisher, stop } = await side(await nats.connect());
  const object = wireguard('wg1');
  let answer: Promise<KubeObject | undefined> = Promise.reject(new Error('the API server is away'));
  const api = { get: () => answer };
  const said = {
    uid: object.metadata.uid,
    kind: 'wireguardinterface',
    namespace: 'default',
    name: 'wg1',
    node: 'lax1',
    hash: '',
    status: { observedGeneration: 3 },
  };
  const told = () => {
    const entry = desired.get(subject('wg1'));
    return entry && readDesired(entry);
  };
  await expect(tombstoneStray({ api, desired, publisher }, said)).rejects.toThrow('away');
  answer = Promise.resolve(object);
  expect(await tombstoneStray({ api, desired, publisher }, said)).toBe(false);
  expect(told()).toBeUndefined();
  answer = Promise.resolve(wireguard('wg1', {}, { uid: 'another life' }));
  expect(await tombstoneStray({ api, desired, publisher }, said)).toBe(true);
  expect(told()).toMatchObject({ deleted: true, uid: said.uid, generation: 3, spec: {} });
  await publisher.purgeTombstone(desired.get(subject('wg1'))!);
  answer = Promise.resolve(wireguard('wg1', { node: 'lax2' }));
  expect(await tombstoneStray({ api, desired, publisher }, said)).toBe(true);
  expect(told()).toMatchObject({ deleted: true, uid: said.uid });
  // What is wanted now is not touched, and neither is a tombstone that is on its way.
  const { sequence } = desired.get(subject('wg1'))!;
  expect(await tombstoneStray({ api, desired, publisher }, said)).toBe(true);
  expect(desired.get(subject('wg1'))?.sequence).toBe(sequence);
  await publisher.publish(subject('wg1'), wish('wg1'), desired.get(subject('wg1')));
  expect(await tombstoneStray({ api, desired, publisher }, { ...said, uid: 'an earlier life' })).toBe(false);
  expect(told()?.deleted).toBeUndefined();
  stop.abort();
});

const entry = (type: string) => ({
  subject: subject('wg1'),
  sequence: 1,
  time: 1_000_000,
  header: (name: string) => (name === 'ce-type' ? type : ''),
  body: '',
});

test('a tombstone is removed by the leader when it is too old, and looked at by others when that must have happened', () => {
  const tombstoneEntry = entry('ifactor.DesiredRemoved');
  const after = (age: number, leads: boolean) => sweepAction(tombstoneEntry, 1_000_000 + age, 10_000, leads);
  expect(after(10_000, true)).toBeUndefined();
  expect(after(10_001, true)).toBe('purge');
  expect(after(10_001, false)).toBeUndefined();
  expect(after(80_000, false)).toBeUndefined();
  expect(after(80_001, false)).toBe('reread');
  expect(sweepAction(entry('ifactor.Desired'), 9_000_000, 10_000, true)).toBeUndefined();
  expect(sweepAction(entry('ifactor.Desired'), 9_000_000, 10_000, false)).toBeUndefined();
});
