import { formatDesiredSubject } from '@ifactor/crds';
import type { Log } from '@ifactor/common';
import { streams } from '@ifactor/common/nats';
import { expect, onTestFinished, test } from 'vitest';
import { draft, tombstone } from './draft.ts';
import { tombstoneStray } from './publish.ts';
import type { KubeObject } from '../kube/object.ts';
import { readDesired } from '../stream/publisher.ts';
import { startSweeping, sweepAction } from './sweep.ts';
import { quiet, wireguard } from '../testing/objects.ts';
import { desiredBench } from '../testing/stream.ts';
import type { DesiredBench, DesiredSide } from '../testing/stream.ts';

const subject = (name: string): string =>
  formatDesiredSubject({ node: 'lax1', kind: 'wireguardinterface', namespace: 'default', name });
const wish = (name: string) => draft(wireguard(name), { get: () => undefined, forbidden: false }, undefined);
const gone = (name: string) => tombstone({ ...wish(name).desired, secrets: [] });

/** A bridge that sweeps. */
async function sweeping(bench: DesiredBench, leads: boolean, retentionMs: number) {
  const stop = new AbortController();
  const side = await opened(bench);
  side.leads = leads;
  const { desired, publisher } = side;
  const swept: string[] = [];
  startSweeping({
    desired,
    publisher: {
      purgeTombstone(entry) {
        swept.push(`purge ${entry.subject.split('.').at(-1)}`);
        return publisher.purgeTombstone(entry);
      },
      reread(at) {
        swept.push(`reread ${at.split('.').at(-1)}`);
        return publisher.reread(at);
      },
    },
    leads: () => side.leads,
    log: quiet,
    clock: bench.clock,
    retentionMs,
    signal: stop.signal,
  });
  return { side, swept, stop };
}

async function opened(bench: DesiredBench): Promise<DesiredSide> {
  const side = await bench.side();
  onTestFinished(() => side.stop());
  return side;
}

const publish = ({ publisher, desired }: DesiredSide, name: string, what = wish(name)): Promise<void> =>
  publisher.publish(subject(name), what, desired.get(subject(name)));

/** Names on which the stream holds something. */
async function stored({ store }: DesiredSide): Promise<string[]> {
  const names: string[] = [];
  const { last } = await store.state(streams.desired);
  for (let at = 1; at <= last; at++) {
    const message = await store.next(streams.desired, at, '>');
    if (message === undefined) break;
    names.push(message.subject.split('.').at(-1) ?? '');
    at = message.sequence;
  }
  return names.toSorted();
}

test('tombstones go when they are old enough, desired objects stay, and only the leader takes anything out', async () => {
  const bench = desiredBench();
  const leader = await sweeping(bench, true, 10_000);
  const second = await sweeping(bench, false, 10_000);
  for (const name of ['wg1', 'wg2', 'wg3']) await publish(leader.side, name);
  for (const name of ['wg1', 'wg2']) await publish(leader.side, name, gone(name));
  await bench.clock.pass(10_000);
  expect(await stored(leader.side)).toEqual(['wg1', 'wg2', 'wg3']);
  expect(leader.swept).toEqual([]);
  await bench.clock.pass(5000);
  expect(leader.swept).toEqual(['purge wg1', 'purge wg2']);
  expect(await stored(leader.side)).toEqual(['wg3']);
  expect([...leader.side.desired.all()].map((entry) => entry.subject)).toEqual([subject('wg3')]);
  // Used again, the name starts without history.
  await publish(leader.side, 'wg1');
  expect(await stored(leader.side)).toEqual(['wg1', 'wg3']);
  await bench.clock.pass(60_000);
  expect(await stored(leader.side)).toEqual(['wg1', 'wg3']);
  // A standby bridge gets no notification: it checks when the leader must have swept, and checks only tombstones.
  expect([...second.side.desired.all()].map((entry) => entry.subject)).toEqual(
    [subject('wg1'), subject('wg2'), subject('wg3')].toSorted(),
  );
  await bench.clock.pass(20_000);
  expect(second.swept).toEqual(['reread wg2']);
  expect(second.side.desired.get(subject('wg2'))).toBeUndefined();
});

test.each([
  [10_000, 5000],
  [100, 100],
  [600_000, 60_000],
])('with a retention of %i ms it sweeps every %i ms', async (retentionMs, everyMs) => {
  const bench = desiredBench();
  const leader = await sweeping(bench, true, retentionMs);
  await publish(leader.side, 'wg1', gone('wg1'));
  // Due before the next sweep, not at it.
  await bench.clock.pass(Math.ceil((retentionMs + 1) / everyMs) * everyMs - 1);
  expect(leader.swept).toEqual([]);
  await bench.clock.pass(1);
  expect(leader.swept).toEqual(['purge wg1']);
});

test('a sweep that fails is followed by another; one that is under way is not joined by a second', async () => {
  const bench = desiredBench();
  const side = await opened(bench);
  await publish(side, 'wg1', gone('wg1'));
  const tries: PromiseWithResolvers<void>[] = [];
  const lines: string[] = [];
  const log = {
    debug: (message: string, { error }: { error: string }) => void lines.push(`${message}: ${error}`),
  } as unknown as Log;
  const stop = new AbortController();
  startSweeping({
    desired: side.desired,
    publisher: {
      purgeTombstone() {
        const attempt = Promise.withResolvers<void>();
        tries.push(attempt);
        return attempt.promise;
      },
      reread: () => Promise.resolve(),
    },
    leads: () => true,
    log,
    clock: bench.clock,
    retentionMs: 1000,
    signal: stop.signal,
  });
  await bench.clock.pass(5000);
  expect(tries).toHaveLength(1);
  tries[0]!.reject(new Error('lost connection'));
  await bench.clock.pass(500);
  expect(lines).toEqual(['cannot remove tombstones now; retrying: lost connection']);
  expect(tries).toHaveLength(2);
  tries[1]!.resolve();
  await bench.clock.pass(500);
  expect(tries).toHaveLength(3);
  stop.abort();
  tries[2]!.resolve();
  await bench.clock.pass(10_000);
  expect(tries).toHaveLength(3);
});

test('a bridge that is told to stop takes nothing more out', async () => {
  const bench = desiredBench();
  const side = await opened(bench);
  for (const name of ['wg1', 'wg2']) await publish(side, name, gone(name));
  const stop = new AbortController();
  const purged: string[] = [];
  startSweeping({
    desired: side.desired,
    publisher: {
      purgeTombstone(entry) {
        purged.push(entry.subject);
        stop.abort();
        return Promise.resolve();
      },
      reread: () => Promise.resolve(),
    },
    leads: () => true,
    log: quiet,
    clock: bench.clock,
    retentionMs: 1000,
    signal: stop.signal,
  });
  await bench.clock.pass(5000);
  expect(purged).toEqual([subject('wg1')]);
});

test('a tombstone is not taken out together with what was wanted after it', async () => {
  const side = await opened(desiredBench());
  await publish(side, 'wg1', gone('wg1'));
  const old = side.desired.get(subject('wg1'))!;
  await publish(side, 'wg1');
  await side.publisher.purgeTombstone(old);
  expect(await stored(side)).toEqual(['wg1']);
  expect(side.desired.get(subject('wg1'))?.sequence).toBe(2);
});

test("an agent is told again of what is gone by the API server's word only", async () => {
  const side = await opened(desiredBench());
  const { desired, publisher } = side;
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
  // Desired objects stay, and so do tombstones that are still being delivered.
  const { sequence } = desired.get(subject('wg1'))!;
  expect(await tombstoneStray({ api, desired, publisher }, said)).toBe(true);
  expect(desired.get(subject('wg1'))?.sequence).toBe(sequence);
  await publish(side, 'wg1');
  expect(await tombstoneStray({ api, desired, publisher }, { ...said, uid: 'an earlier life' })).toBe(false);
  expect(told()?.deleted).toBeUndefined();
});

test('an agent that speaks of an object nobody has is told so once, with all that is known', async () => {
  const side = await opened(desiredBench());
  const { desired, publisher } = side;
  const asked: unknown[] = [];
  const api = {
    get: (resource: { kind: string }, target: object): Promise<KubeObject | undefined> => {
      asked.push([resource.kind, target]);
      return Promise.resolve(undefined);
    },
  };
  const said = {
    uid: 'uid-wg1',
    kind: 'wireguardinterface',
    namespace: 'default',
    name: 'wg1',
    node: 'lax1',
    hash: '',
    status: {},
  };
  expect(await tombstoneStray({ api, desired, publisher }, { ...said, kind: 'pod' })).toBe(true);
  expect(asked).toEqual([]);
  expect(await tombstoneStray({ api, desired, publisher }, said)).toBe(true);
  expect(asked).toEqual([['WireGuardInterface', { namespace: 'default', name: 'wg1' }]]);
  expect(readDesired(desired.get(subject('wg1'))!)).toEqual({
    apiVersion: 'networking.dn42.io/v1alpha1',
    kind: 'WireGuardInterface',
    namespace: 'default',
    name: 'wg1',
    uid: 'uid-wg1',
    generation: 0,
    resourceVersion: '',
    creationTimestamp: '',
    spec: {},
    secrets: [],
    missing: [],
    deleted: true,
  });
  // It got the tombstone of exactly this object.
  expect(await tombstoneStray({ api, desired, publisher }, said)).toBe(true);
  expect(asked).toHaveLength(1);
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
