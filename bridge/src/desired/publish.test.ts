import { nodeSubject } from '@ifactor/common/nats';
import { FINALIZER, formatDesiredSubject } from '@ifactor/crds';
import type { Desired } from '@ifactor/crds';
import { StreamFull } from '@ifactor/common/eventStore';
import { expect, onTestFinished, test } from 'vitest';
import { spell } from '../key.ts';
import type { KubeObject } from '../kube/object.ts';
import { isTombstone, readDesired } from '../stream/publisher.ts';
import { registered, wireguard } from '../testing/objects.ts';
import { createMemoryKube } from '../testing/memoryKube.ts';
import { createSealKeys, forgetSealKey } from '../signing/sealKeys.ts';
import { desiredBench } from '../testing/stream.ts';
import type { DesiredBench, DesiredSide } from '../testing/stream.ts';
import { createDeletions } from '../view/deletions.ts';
import { createNodes } from '../view/nodes.ts';
import { createAbsence } from './absence.ts';
import { reconcileDesired, StaleViewError } from './publish.ts';
import type { DesiredParts, Unsent } from './publish.ts';
import { isOlder } from './version.ts';

/* A bridge that decides from a stale view of either side never replaces a newer message by an older one. */

const subject = (name: string, node = 'lax1'): string =>
  formatDesiredSubject({ node, kind: 'wireguardinterface', namespace: 'default', name });
const key = spell({ kind: 'wireguardinterface', namespace: 'default', name: 'wg1' });
const at = (generation: number, spec = {}, uid = 'uid-wg1'): KubeObject =>
  wireguard('wg1', { mtu: 1400 + generation, ...spec }, { generation, resourceVersion: String(100 * generation), uid });

/** The API server's objects, and how often it was queried. */
class Api {
  object: KubeObject | undefined;
  asked = 0;
  target: unknown;
  get(_resource?: unknown, target?: unknown): Promise<KubeObject | undefined> {
    this.asked++;
    this.target = target;
    return Promise.resolve(this.object);
  }
}

/** A bridge whose view of the API server the test sets, and whose view of the stream is its own follower. */
async function bridge(bench: DesiredBench, api: Api) {
  const side = await bench.side();
  onTestFinished(() => side.stop());
  let shown: KubeObject | undefined;
  const secrets = { get: (): KubeObject | undefined => undefined, forbidden: false };
  const settled: string[] = [];
  const incomplete: string[] = [];
  /** How the API server answers the finalizers that it is sent. */
  const finalizers: { sent: (readonly string[])[]; answer: () => Promise<number | undefined> } = {
    sent: [],
    answer: () => Promise.resolve(undefined),
  };
  const changed: string[] = [];
  const unsent: Unsent = { reasons: new Map(), changed: (one) => void changed.push(one) };
  const parts = {
    api,
    writer: {
      finalizers(_resource: unknown, _object: unknown, all: readonly string[]) {
        finalizers.sent.push(all);
        return finalizers.answer();
      },
    },
    view: {
      objects: { get: () => shown, secrets, incomplete: () => incomplete },
      nodes: createNodes(),
      serverNow: () => bench.clock.now(),
      messages: {
        desired: side.desired,
        desiredOf: () => [...side.desired.all()].map((entry) => entry.subject),
      },
    },
    publisher: side.publisher,
    absence: createAbsence(
      { incomplete: () => [], deletions: createDeletions() },
      { admits: () => true, forget: (one) => void settled.push(one) },
      api,
    ),
    unsent,
    sealKeys: createSealKeys(
      createMemoryKube(() => bench.clock.now()),
      'default',
    ),
  };
  return {
    ...side,
    parts,
    secrets,
    settled,
    incomplete,
    finalizers,
    changed,
    show: (object: KubeObject | undefined) => (shown = object),
    publish: () => reconcileDesired(parts as unknown as DesiredParts, key),
    side,
  };
}

async function stored(side: Pick<DesiredSide, 'store'>, node = 'lax1'): Promise<Desired | undefined> {
  const message = await side.store.last('IFACTOR_DESIRED', subject('wg1', node));
  return message && readDesired(message);
}
const settle = (bench: DesiredBench): Promise<void> => bench.clock.pass(0);

test('one apply is one message; the same again publishes nothing', async () => {
  const [bench, api] = [desiredBench(), new Api()];
  const one = await bridge(bench, api);
  one.show((api.object = at(1)));
  expect(await one.publish()).toBeUndefined();
  await one.publish();
  expect((await one.store.state('IFACTOR_DESIRED')).last).toBe(1);
  expect(await stored(one)).toMatchObject({ uid: 'uid-wg1', generation: 1, spec: { mtu: 1401 } });
  expect(api.asked).toBe(0);
});

test('an object carries our finalizer before its node hears of it, and is given it once', async () => {
  const [bench, api] = [desiredBench(), new Api()];
  const one = await bridge(bench, api);
  const stored1 = Promise.withResolvers<number | undefined>();
  one.finalizers.answer = () => stored1.promise;
  one.show((api.object = at(1)));
  const publishing = one.publish();
  await settle(bench);
  expect(one.finalizers.sent).toEqual([[FINALIZER]]);
  expect(await stored(one)).toBeUndefined();
  stored1.resolve(undefined);
  expect(await publishing).toBeUndefined();
  expect(await stored(one)).toMatchObject({ generation: 1 });
  // What its node knows is published at once, and looks after its finalizer with its status.
  one.show((api.object = at(2)));
  await one.publish();
  expect(await stored(one)).toMatchObject({ generation: 2 });
  expect(one.finalizers.sent).toHaveLength(1);
  // Another life of the name.
  one.show((api.object = at(3, {}, 'another life')));
  await one.publish();
  expect(one.finalizers.sent).toHaveLength(2);
});

test('an object that cannot be given a finalizer now is not published; one that goes, or has one, needs none', async () => {
  const [bench, api] = [desiredBench(), new Api()];
  const one = await bridge(bench, api);
  one.show((api.object = at(1)));
  one.finalizers.answer = () => Promise.resolve(1000);
  expect(await one.publish()).toBe(1000);
  one.finalizers.answer = () => Promise.reject(new Error('403'));
  await expect(one.publish()).rejects.toThrow('403');
  one.finalizers.answer = () => Promise.resolve(undefined);
  one.incomplete.push('wireguardinterfaces cannot be listed');
  expect(await one.publish()).toBeUndefined();
  expect(await stored(one)).toBeUndefined();
  expect(one.finalizers.sent).toHaveLength(2);
  for (const metadata of [{ deletionTimestamp: '2026-01-02T00:00:00Z' }, { finalizers: [FINALIZER] }]) {
    const object = at(1, {}, JSON.stringify(metadata));
    one.show((api.object = { ...object, metadata: { ...object.metadata, ...metadata } }));
    await one.publish();
    expect(await stored(one)).toMatchObject({ uid: object.metadata.uid });
  }
  expect(one.finalizers.sent).toHaveLength(2);
});

test('what the stream has no room for is tried again, and the object says why until it is stored', async () => {
  const [bench, api] = [desiredBench(), new Api()];
  const one = await bridge(bench, api);
  const { publisher } = one.parts;
  one.show((api.object = at(1)));
  one.parts.publisher = {
    ...publisher,
    publish: () => Promise.reject(new StreamFull('IFACTOR_DESIRED', 'stream')),
  };
  for (let tries = 0; tries < 2; tries++) await expect(one.publish()).rejects.toThrow(StreamFull);
  expect([...one.parts.unsent.reasons]).toEqual([
    [key, { reason: 'NatsFull', message: expect.stringMatching(/^stream IFACTOR_DESIRED is full: raise/) as unknown }],
  ]);
  expect(one.changed).toEqual([key]);
  one.parts.publisher = publisher;
  await one.publish();
  expect(await stored(one)).toMatchObject({ generation: 1 });
  expect([one.parts.unsent.reasons.size, one.changed]).toEqual([0, [key, key]]);
  await one.publish();
  expect(one.changed).toHaveLength(2);
});

test('who does not lead writes nothing, and looks again later', async () => {
  const [bench, api] = [desiredBench(), new Api()];
  const one = await bridge(bench, api);
  one.show((api.object = at(1)));
  one.side.leads = false;
  expect(await one.publish()).toBe(1000);
  expect(await stored(one)).toBeUndefined();
  one.side.leads = true;
  await one.publish();
  expect(await stored(one)).toMatchObject({ generation: 1 });
  one.side.leads = false;
  const entry = one.desired.get(subject('wg1'))!;
  await expect(one.publisher.purgeTombstone(entry)).rejects.toThrow('another bridge may lead');
  await expect(one.publisher.purgeStatus(entry)).rejects.toThrow('another bridge may lead');
  expect(await stored(one)).toBeDefined();
});

test('while NATS is away it is tried every second, not ever more seldom', async () => {
  const [bench, api] = [desiredBench(), new Api()];
  const one = await bridge(bench, api);
  one.show((api.object = at(1)));
  one.side.store.disconnect();
  for (let times = 0; times < 10; times++) expect(await one.publish()).toBe(1000);
  one.side.store.reconnect();
  expect(await one.publish()).toBeUndefined();
  expect(await stored(one)).toMatchObject({ generation: 1 });
});

test('a message that a successor wrote meanwhile sends the object back to be looked at again', async () => {
  const [bench, api] = [desiredBench(), new Api()];
  const old = await bridge(bench, api);
  const successor = await bridge(bench, api);
  old.show(at(1));
  successor.show((api.object = at(2)));
  await settle(bench);
  // Both decide from an empty subject; the successor writes first.
  const [first, second] = [successor.publish(), old.publish()];
  expect([await first, await second]).toEqual([undefined, 0]);
  expect(await stored(old)).toMatchObject({ generation: 2 });
  // Checked again, the stale view is detected.
  await expect(old.publish()).rejects.toBeInstanceOf(StaleViewError);
  old.show(at(2));
  expect(await old.publish()).toBeUndefined();
  expect((await old.store.state('IFACTOR_DESIRED')).last).toBe(1);
});

test('an old view never replaces what is newer, though nobody else leads', async () => {
  const [bench, api] = [desiredBench(), new Api()];
  const frozen = await bridge(bench, api);
  const other = await bridge(bench, api);
  for (const [before, after] of [
    [at(1), at(2)],
    // The same generation, written later: a finalizer, or a Secret.
    [at(3), { ...at(3, { mtu: 1300 }), metadata: { ...at(3).metadata, resourceVersion: '1000' } }],
    // Another object of the same name.
    [at(11), at(12, {}, 'uid-second')],
  ] as const) {
    other.show((api.object = after));
    await other.publish();
    await settle(bench);
    const { last } = await other.store.state('IFACTOR_DESIRED');
    frozen.show(before);
    await expect(frozen.publish()).rejects.toBeInstanceOf(StaleViewError);
    expect((await other.store.state('IFACTOR_DESIRED')).last).toBe(last);
  }
});

test('an API server that was restored from a backup is believed', async () => {
  const [bench, api] = [desiredBench(), new Api()];
  const one = await bridge(bench, api);
  one.show((api.object = at(5)));
  await one.publish();
  one.show((api.object = at(4)));
  await one.publish();
  expect(await stored(one)).toMatchObject({ generation: 4 });
});

test('an object that the watch has not shown yet is not deleted', async () => {
  const [bench, api] = [desiredBench(), new Api()];
  const frozen = await bridge(bench, api);
  const successor = await bridge(bench, api);
  successor.show((api.object = at(1)));
  await successor.publish();
  await settle(bench);
  await frozen.publish();
  expect((await stored(frozen))?.deleted).toBeUndefined();
});

test('an object that moved to another node meanwhile is not moved back', async () => {
  const [bench, api] = [desiredBench(), new Api()];
  const frozen = await bridge(bench, api);
  const successor = await bridge(bench, api);
  frozen.show(at(1));
  await frozen.publish();
  await settle(bench);
  successor.show((api.object = at(2, { node: 'lax2' })));
  await successor.publish();
  await settle(bench);
  const { last } = await frozen.store.state('IFACTOR_DESIRED');
  await expect(frozen.publish()).rejects.toBeInstanceOf(StaleViewError);
  expect((await frozen.store.state('IFACTOR_DESIRED')).last).toBe(last);
});

test('an object that is gone gets one tombstone with its uid and without its spec', async () => {
  const [bench, api] = [desiredBench(), new Api()];
  const one = await bridge(bench, api);
  one.show((api.object = at(1)));
  await one.publish();
  one.show((api.object = undefined));
  await one.publish();
  await one.publish();
  expect(await stored(one)).toMatchObject({ deleted: true, uid: 'uid-wg1', spec: {}, generation: 1 });
  expect(isTombstone(one.desired.get(subject('wg1'))!)).toBe(true);
  expect((await one.store.state('IFACTOR_DESIRED')).last).toBe(2);
  expect(api.asked).toBe(1);
});

test('an object that moved to another node is told to both', async () => {
  const [bench, api] = [desiredBench(), new Api()];
  const one = await bridge(bench, api);
  one.show((api.object = at(1)));
  await one.publish();
  one.show((api.object = at(2, { node: 'lax2' })));
  await one.publish();
  expect(await stored(one, 'lax2')).toMatchObject({ generation: 2 });
  expect(await stored(one, 'lax1')).toMatchObject({ deleted: true });
});

test('an object without a legal node changes nothing', async () => {
  const [bench, api] = [desiredBench(), new Api()];
  const one = await bridge(bench, api);
  one.show((api.object = at(1)));
  await one.publish();
  one.show((api.object = at(2, { node: 'No Name' })));
  await one.publish();
  expect(await stored(one)).toMatchObject({ generation: 1 });
});

test('a message that is taken for a duplicate of one that was removed is stored again', async () => {
  const [bench, api] = [desiredBench(), new Api()];
  const one = await bridge(bench, api);
  one.show((api.object = at(1)));
  await one.publish();
  const entry = one.desired.get(subject('wg1'))!;
  await one.store.purge('IFACTOR_DESIRED', subject('wg1'));
  await one.publisher.reread(subject('wg1'));
  expect(one.desired.get(subject('wg1'))).toBeUndefined();
  await one.publish();
  expect(await stored(one)).toMatchObject({ generation: 1 });
  expect(one.desired.get(subject('wg1'))!.sequence).toBeGreaterThan(entry.sequence);
});

const version = (generation: number, resourceVersion: string, uid = 'a') => ({ uid, generation, resourceVersion });
test('versions are compared by generation within one life, and by resource version', () => {
  expect(isOlder(version(1, '5'), version(2, '5'))).toBe(true);
  expect(isOlder(version(2, '5'), version(2, '5'))).toBe(false);
  expect(isOlder(version(2, '9'), version(2, '10'))).toBe(true);
  expect(isOlder(version(2, '10'), version(2, '9'))).toBe(false);
  expect(isOlder(version(1, '10', 'b'), version(7, '9'))).toBe(false);
  expect(isOlder(version(1, '8', 'b'), version(1, '9'))).toBe(true);
  expect(isOlder(version(1, 'x'), version(1, '9'))).toBe(false);
  expect(isOlder(version(1, '9'), version(1, 'x'))).toBe(false);
  expect(isOlder(version(1, 'x5'), version(1, '9'))).toBe(false);
  expect(isOlder(version(1, '5x'), version(1, '9'))).toBe(false);
});

test('a Secret that cannot be read now leaves the agent what it was given; one that is gone does not', async () => {
  const [bench, api] = [desiredBench(), new Api()];
  const one = await bridge(bench, api);
  const privateKeySecretRef = { name: 'key', key: 'k', namespace: 'default' };
  one.secrets.forbidden = true;
  one.show((api.object = at(1, { privateKeySecretRef })));
  await one.publish();
  expect(await stored(one)).toMatchObject({ generation: 1, missing: [{ reason: 'Forbidden' }] });
  one.secrets.forbidden = false;
  await one.publish();
  expect(await stored(one)).toMatchObject({ missing: [{ reason: 'SecretNotFound' }] });
  one.secrets.forbidden = true;
  one.show((api.object = at(2, { privateKeySecretRef })));
  await one.publish();
  expect(await stored(one)).toMatchObject({ generation: 1, missing: [{ reason: 'SecretNotFound' }] });
  // A spec that does not need the Secret is published.
  one.show((api.object = at(3)));
  await one.publish();
  expect(await stored(one)).toMatchObject({ generation: 3, missing: [] });
});

test('what there is, and what is told to be gone, is settled: neither counts as missing any more', async () => {
  const [bench, api] = [desiredBench(), new Api()];
  const one = await bridge(bench, api);
  one.show((api.object = at(1)));
  await one.publish();
  expect(one.settled).toEqual([key]);
  one.show((api.object = undefined));
  await one.publish();
  expect(one.settled).toEqual([key, key]);
});

test('what is stale says of which object, after the API server was asked for it', async () => {
  const [bench, api] = [desiredBench(), new Api()];
  const one = await bridge(bench, api);
  one.show((api.object = at(2)));
  await one.publish();
  one.show(at(1));
  const stale = {
    name: 'StaleViewError',
    message: 'the watch of wireguardinterface default/wg1 is behind the API server',
  };
  await expect(one.publish()).rejects.toMatchObject(stale);
  expect(api.target).toEqual({ namespace: 'default', name: 'wg1' });
  // Another object of the name, though of the same version; and none at all.
  api.object = at(1, {}, 'another life');
  await expect(one.publish()).rejects.toMatchObject(stale);
  api.object = undefined;
  await expect(one.publish()).rejects.toMatchObject(stale);
});

test('secrets are sealed to the key that the node of the object has registered', async () => {
  const [bench, api] = [desiredBench(), new Api()];
  const one = await bridge(bench, api);
  const privateKey = Buffer.alloc(32, 9).toString('base64');
  one.show((api.object = at(1, { privateKey })));
  await one.publish();
  expect(await stored(one)).toMatchObject({ secrets: [], missing: [{ reason: 'NodeKeyUnknown' }] });
  const { entry, open } = registered('lax1');
  const heartbeat = {
    subject: 'n',
    sequence: 1,
    time: bench.clock.now(),
    header: () => '',
    body: JSON.stringify(entry),
  };
  one.parts.view.nodes.take('$KV.ifactor_nodes.lax1', heartbeat, bench.clock.now());
  await one.publish();
  const { secrets = [], missing } = (await stored(one)) ?? {};
  expect(missing).toEqual([]);
  expect(secrets.map(({ sealed, sender }) => open(sealed, sender))).toEqual([privateKey]);
});

test('a Secret that cannot be read now keeps nothing of an object that is deleted, or was', async () => {
  const [bench, api] = [desiredBench(), new Api()];
  const one = await bridge(bench, api);
  const privateKeySecretRef = { name: 'key', key: 'k', namespace: 'default' };
  one.show((api.object = at(1, { privateKeySecretRef })));
  await one.publish();
  one.secrets.forbidden = true;
  const going = at(2, { privateKeySecretRef });
  one.show((api.object = { ...going, metadata: { ...going.metadata, deletionTimestamp: '2026-01-02T00:00:00Z' } }));
  await one.publish();
  expect(await stored(one)).toMatchObject({ generation: 2, deletionTimestamp: '2026-01-02T00:00:00Z' });
  // Gone, and seen again after all, as when the API server was restored from a backup.
  one.show((api.object = undefined));
  await one.publish();
  expect(await stored(one)).toMatchObject({ deleted: true });
  one.show((api.object = at(3, { privateKeySecretRef })));
  await one.publish();
  expect(await stored(one)).toMatchObject({ generation: 3, missing: [{ reason: 'Forbidden' }] });
  expect((await stored(one))?.deleted).toBeUndefined();
});

test('a message on the stream that is not ours is not answered with a tombstone', async () => {
  const [bench, api] = [desiredBench(), new Api()];
  const one = await bridge(bench, api);
  await one.store.append('IFACTOR_DESIRED', { subject: subject('wg1'), body: 'not ours', headers: {} });
  await settle(bench);
  expect(await one.publish()).toBeUndefined();
  expect((await one.store.state('IFACTOR_DESIRED')).last).toBe(1);
});

const value = (seed: number): string => Buffer.alloc(32, seed).toString('base64');

test('a node entry with another seal key is never sealed to: the object says so, until a person accepts the key', async () => {
  const [bench, api] = [desiredBench(), new Api()];
  const one = await bridge(bench, api);
  const kube = createMemoryKube(() => bench.clock.now());
  const sealKeys = createSealKeys(kube, 'default');
  Object.assign(one.parts, { sealKeys });
  const [node, mallory] = [registered('lax1'), registered('lax1')];
  const shows = ({ entry }: typeof node): void =>
    void one.parts.view.nodes.take(
      nodeSubject('lax1'),
      {
        subject: nodeSubject('lax1'),
        sequence: 1,
        time: bench.clock.now(),
        header: () => '',
        body: JSON.stringify(entry),
      },
      bench.clock.now(),
    );
  const secretOf = async (): Promise<{ sealed: string; sender: string }> => (await stored(one))!.secrets[0]!;
  shows(node);
  one.show((api.object = at(1, { privateKey: value(1) })));
  await one.publish();
  let sealed = await secretOf();
  expect(node.open(sealed.sealed, sealed.sender)).toBe(value(1));
  shows(mallory);
  await one.publish();
  one.show((api.object = at(2, { privateKey: value(2) })));
  await one.publish();
  sealed = await secretOf();
  expect(node.open(sealed.sealed, sealed.sender)).toBe(value(2));
  expect(() => mallory.open(sealed.sealed, sealed.sender)).toThrow('cannot be opened');
  expect(one.parts.unsent.reasons.get(key)).toMatchObject({
    reason: 'SealKeyChanged',
    message: expect.stringContaining('ifactor node rekey lax1') as unknown,
  });
  // What has no secret is of no concern.
  one.show((api.object = at(3)));
  await one.publish();
  expect(one.parts.unsent.reasons.size).toBe(0);
  one.show((api.object = at(4, { privateKey: value(4) })));
  await one.publish();
  expect(one.parts.unsent.reasons.size).toBe(1);
  await forgetSealKey(kube, 'default', 'lax1');
  sealKeys.reread();
  await one.publish();
  sealed = await secretOf();
  expect(mallory.open(sealed.sealed, sealed.sender)).toBe(value(4));
  expect(one.parts.unsent.reasons.size).toBe(0);
});
