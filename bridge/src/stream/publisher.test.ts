import { API_VERSION, formatDesiredSubject, signatureHeaders } from '@ifactor/crds';
import { until } from '@ifactor/common/testing';
import { SequenceConflict, StreamFull } from '@ifactor/common/eventStore';
import type { NewMessage } from '@ifactor/common/eventStore';
import { streams } from '@ifactor/common/nats';
import { hostname } from 'node:os';
import { expect, onTestFinished, test } from 'vitest';
import { draft, tombstone } from '../desired/draft.ts';
import type { Draft } from '../desired/draft.ts';
import { createSealer } from '../desired/seal.ts';
import { NotLeadingError } from '../kube/fence.ts';
import { registered, secret, wireguard } from '../testing/objects.ts';
import { desiredBench } from '../testing/stream.ts';
import type { DesiredSide } from '../testing/stream.ts';
import { createPublisher, isTombstone, readDesired } from './publisher.ts';
import type { Entry } from './follower.ts';

const subject = formatDesiredSubject({ node: 'lax1', kind: 'wireguardinterface', namespace: 'default', name: 'wg1' });
const secrets = { get: () => undefined, forbidden: false };
const wish = (mtu: number, metadata = {}): Draft => draft(wireguard('wg1', { mtu }, metadata), secrets, undefined);
const gone = (): Draft => tombstone({ ...wish(0).desired, secrets: [] });

async function opened(bench = desiredBench()) {
  const side = await bench.side();
  onTestFinished(() => side.stop());
  return {
    ...side,
    bench,
    side,
    /** Decides from what the follower has. */
    publish: (what: Draft) => side.publisher.publish(subject, what, side.desired.get(subject)),
    last: () => side.store.last(streams.desired, subject),
    appended: async () => (await side.store.state(streams.desired)).last,
  };
}

/** A publisher of the same side, on a store that a test interferes with. */
function interfered(
  { store, desired, signer }: Pick<DesiredSide, 'store' | 'desired' | 'signer'>,
  clock: ReturnType<typeof desiredBench>['clock'],
  append: (message: NewMessage) => ReturnType<DesiredSide['store']['append']>,
) {
  return createPublisher({
    store: { ...store, append: (_stream, message) => append(message) },
    follower: desired,
    sealer: createSealer(),
    signer,
    leads: () => true,
    clock,
  });
}

test('what is desired is stored once, however often it is published', async () => {
  const { publish, appended, desired } = await opened();
  await publish(wish(1400));
  await publish(wish(1400));
  expect(await appended()).toBe(1);
  expect(readDesired(desired.get(subject)!)).toMatchObject({
    apiVersion: API_VERSION,
    kind: 'WireGuardInterface',
    namespace: 'default',
    name: 'wg1',
    uid: 'uid-wg1',
    spec: { node: 'lax1', mtu: 1400 },
    secrets: [],
  });
});

test('a message says in its headers what it is, of what it follows and what it holds', async () => {
  const { publish, last, bench } = await opened();
  const what = wish(1400, { resourceVersion: '7' });
  await publish(what);
  const { header } = (await last())!;
  const id = `uid-wg1@7#${what.content}:0`;
  expect(
    Object.fromEntries(
      ['specversion', 'id', 'source', 'type', 'subject', 'time', 'correlationid'].map((name) => [
        name,
        header(`ce-${name}`),
      ]),
    ),
  ).toEqual({
    specversion: '1.0',
    id,
    source: `/ifactor/bridge/${hostname()}`,
    type: 'ifactor.Desired',
    subject: 'wireguardinterface/default/wg1',
    time: new Date(bench.clock.now()).toISOString(),
    correlationid: 'uid-wg1@7',
  });
  expect(header('content-type')).toBe('application/json');
  expect(header('ifactor-content')).toBe(what.content);
  await publish(gone());
  expect((await last())!.header('ce-type')).toBe('ifactor.DesiredRemoved');
  // A second message on the subject has an id of its own.
  expect((await last())!.header('ce-id')).toMatch(/:1$/);
});

test('what was published counts at once, with the headers that the stream has', async () => {
  const { publish, desired, last, bench } = await opened();
  await publish(gone());
  const entry = desired.get(subject)!;
  expect(isTombstone(entry)).toBe(true);
  expect(entry).toMatchObject({ sequence: 1, time: bench.clock.now(), body: (await last())!.body });
  expect(entry.header('ce-id')).toBe((await last())!.header('ce-id'));
  expect(entry.header('none')).toBe('');
});

test('what was desired before and is again is another message', async () => {
  const { publish, appended, desired } = await opened();
  for (const mtu of [1400, 1300, 1400]) await publish(wish(mtu));
  expect(await appended()).toBe(3);
  expect(readDesired(desired.get(subject)!)?.spec['mtu']).toBe(1400);
});

test('two bridges that say the same store it once; one that decides from an old message has to decide again', async () => {
  const a = await opened();
  const b = await opened(a.bench);
  await Promise.all([a.publish(wish(1400)), b.publish(wish(1400))]);
  expect(await a.appended()).toBe(1);
  const before = a.desired.get(subject);
  await b.publish(wish(1300));
  await expect(a.publisher.publish(subject, wish(1200), before)).rejects.toBeInstanceOf(SequenceConflict);
  expect(readDesired((await a.last())!)?.spec['mtu']).toBe(1300);
  // It has also read what was written meanwhile.
  expect(a.desired.get(subject)?.sequence).toBe(2);
  // Both bridges have the same desired state: nothing to do.
  await a.publisher.publish(subject, wish(1300), before);
  expect(await a.appended()).toBe(2);
});

test('a message that was stored though its answer was lost is not stored twice', async () => {
  const { side, desired, store, bench, appended } = await opened();
  let lost = true;
  const publisher = interfered(side, bench.clock, async (message) => {
    const answer = await store.append(streams.desired, message);
    if (lost) throw new Error('timeout');
    return answer;
  });
  await expect(publisher.publish(subject, wish(1400), undefined)).rejects.toThrow('timeout');
  lost = false;
  await publisher.publish(subject, wish(1400), undefined);
  expect(await appended()).toBe(1);
  expect(desired.get(subject)?.sequence).toBe(1);
});

test('a message that the server takes for one that was replaced since is decided on again', async () => {
  const { side, bench, publish, desired, last } = await opened();
  const first = wish(1400);
  await publish(first);
  await publish(wish(1300));
  // The retry of the first message arrives late: the server still has its id, but the subject has a newer message.
  const late = interfered(side, bench.clock, () => Promise.resolve({ sequence: 1, duplicate: true }));
  await expect(late.publish(subject, first, undefined)).rejects.toBeInstanceOf(SequenceConflict);
  expect(desired.get(subject)?.sequence).toBe(2);
  expect(readDesired((await last())!)?.spec['mtu']).toBe(1300);
});

test('a message that the server takes for one that was removed is stored under another id', async () => {
  const { publish, store, desired, publisher, last, bench } = await opened();
  const what = wish(1400);
  await publish(what);
  await store.purge(streams.desired, subject);
  await publisher.reread(subject);
  await publish(what);
  expect((await last())?.header('ce-id')).toBe(`uid-wg1@1#${what.content}:0~${bench.clock.now()}`);
  expect(desired.get(subject)?.sequence).toBe(2);
});

test('an error that is no conflict is passed on, whatever the follower has', async () => {
  const { side, bench, publish, desired } = await opened();
  await publish(wish(1400));
  const broken = interfered(side, bench.clock, () => Promise.reject(new Error('no answer')));
  await expect(broken.publish(subject, wish(1400), undefined)).rejects.toThrow('no answer');
  expect(desired.get(subject)?.sequence).toBe(1);
});

test('a deletion that a full stream refuses takes the place of what it replaces; a change waits', async () => {
  const one = await opened();
  await one.publish(wish(1400));
  const replaced = one.desired.get(subject);
  const full = interfered(one, one.bench.clock, async (message) => {
    if ((await one.last()) !== undefined) throw new StreamFull(streams.desired, 'stream');
    return one.store.append(streams.desired, message);
  });
  await expect(full.publish(subject, wish(1300), replaced)).rejects.toThrow(StreamFull);
  expect((await one.last())?.sequence).toBe(1);
  await full.publish(subject, wish(1400, { deletionTimestamp: '2026-01-02T00:00:00Z' }), replaced);
  expect(await one.last()).toMatchObject({
    sequence: 2,
    body: expect.stringContaining('deletionTimestamp') as unknown,
  });
  expect(Number(one.desired.get(subject)?.header(signatureHeaders.revision))).toBeGreaterThan(
    Number(replaced?.header(signatureHeaders.revision)),
  );
});

test('a bridge that does not lead writes and removes nothing, and says what', async () => {
  const { side, publisher, publish, desired, last, appended } = await opened();
  await publish(gone());
  side.leads = false;
  const entry = desired.get(subject)!;
  await expect(publish(wish(1400))).rejects.toBeInstanceOf(NotLeadingError);
  await expect(publish(wish(1400))).rejects.toThrow(`publish ${subject}: another bridge may lead by now`);
  await expect(publisher.purgeTombstone(entry)).rejects.toThrow(`remove ${subject}: another bridge may lead by now`);
  await expect(publisher.purgeStatus(entry)).rejects.toThrow(`remove ${subject}: another bridge may lead by now`);
  expect(await appended()).toBe(1);
  expect(await last()).toBeDefined();
});

test('leadership is asked for after sealing, last of all', async () => {
  const { store, desired, signer, bench, appended } = await opened();
  let leads = true;
  const publisher = createPublisher({
    store,
    follower: desired,
    signer,
    sealer: {
      seal: (what, to) => {
        leads = false;
        return createSealer().seal(what, to);
      },
    },
    leads: () => leads,
    clock: bench.clock,
  });
  const object = wireguard('wg1', { privateKey: Buffer.alloc(32, 9).toString('base64') });
  await expect(
    publisher.publish(subject, draft(object, secrets, registered('lax1').entry), undefined),
  ).rejects.toBeInstanceOf(NotLeadingError);
  expect(await appended()).toBe(0);
});

test('a secret is sealed to the node and stands nowhere in the open', async () => {
  const { publish, desired } = await opened();
  const key = Buffer.alloc(32, 9);
  const { entry: node, open } = registered('lax1');
  const object = wireguard('wg1', { privateKeySecretRef: { name: 'key', key: 'k', namespace: 'default' } });
  await publish(draft(object, { get: () => secret('key', { k: key }), forbidden: false }, node));
  const entry = desired.get(subject)!;
  const [sealed] = readDesired(entry)?.secrets ?? [];
  expect(sealed).toMatchObject({ ref: 'privateKey', version: 'uid-secret-key@7' });
  expect(open(sealed?.sealed ?? '', sealed?.sender ?? '')).toBe(key.toString('base64'));
  expect(entry.body).not.toContain(key.toString('base64'));
});

test('a status is removed up to the message that was seen', async () => {
  const { publisher, store } = await opened();
  const append = () => store.append(streams.status, { subject: 'status.wg1', body: '', headers: {} });
  const first = await append();
  await publisher.purgeStatus({ subject: 'status.wg1', sequence: first.sequence } as Entry);
  expect(await store.last(streams.status, 'status.wg1')).toBeUndefined();
  const second = await append();
  await append();
  await publisher.purgeStatus({ subject: 'status.wg1', sequence: second.sequence } as Entry);
  expect((await store.last(streams.status, 'status.wg1'))?.sequence).toBe(3);
});

test('reading a subject again brings what is there: nothing, the same, or a lower number in a stream made again', async () => {
  const { bench, side, publisher, publish, desired, store } = await opened();
  await publish(wish(1400));
  const entry = desired.get(subject);
  await publisher.reread(subject);
  expect(desired.get(subject)).toBe(entry);
  await store.purge(streams.desired, subject);
  await publisher.reread(subject);
  expect(desired.get(subject)).toBeUndefined();
  side.stop();
  await bench.clock.pass(0);
  await publish(wish(1300));
  bench.memory.lose(streams.desired);
  await store.prepare();
  await store.append(streams.desired, { subject, body: 'other', headers: {} });
  await publisher.reread(subject);
  expect(desired.get(subject)).toMatchObject({ sequence: 1, body: 'other' });
});

const stray = (body: string): Entry => ({ subject, sequence: 1, time: 0, header: () => '', body });

test('what is no message of ours is not read', async () => {
  expect(readDesired(stray('{'))).toBeUndefined();
  expect(readDesired(stray('{}'))).toBeUndefined();
  const { publish, last } = await opened();
  await publish(wish(1400));
  expect(readDesired((await last())!)).toMatchObject({ name: 'wg1' });
});

test.each<[string, (said: Record<string, string>) => Record<string, string>, (body: string) => string]>([
  [
    'without a signature, as a bridge before this one wrote it',
    ({ 'ifactor-content': content = '' }) => ({ 'ifactor-content': content }),
    (body) => body,
  ],
  ['with the body of another state', (said) => said, (body) => body.replace('1400', '1300')],
  ['with the signature of another message', (said) => ({ ...said, 'ifactor-content': 'other' }), (body) => body],
])('a message %s is replaced by a signed one', async (_, headers, body) => {
  const { publish, last, store, desired, appended, signer } = await opened();
  await publish(wish(1400));
  const said = (await last())!;
  const names = Object.values(signatureHeaders);
  const { sequence } = await store.append(streams.desired, {
    subject,
    body: body(said.body),
    headers: headers(Object.fromEntries(names.map((name) => [name, said.header(name)]))),
  });
  await until(() => desired.get(subject)?.sequence === sequence, 'the forged message to be seen');
  await publish(wish(1400));
  expect(await appended()).toBe(sequence + 1);
  expect(signer.contentOf(await last())).toBe(wish(1400).content);
  await publish(wish(1400));
  expect(await appended()).toBe(sequence + 1);
});
