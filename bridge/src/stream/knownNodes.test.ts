import { systemRandom } from '@ifactor/common';
import { StreamFull } from '@ifactor/common/eventStore';
import { knownNodesStream, knownNodeSubject, nodesStream, nodeSubject } from '@ifactor/common/nats';
import { createMemoryEventStore, TestClock } from '@ifactor/common/testing';
import type { NodeEntry } from '@ifactor/crds';
import { expect, onTestFinished, test } from 'vitest';
import { quiet } from '../testing/objects.ts';
import { createNodes } from '../view/nodes.ts';
import { createOutage } from '../view/outage.ts';
import { follow } from './follower.ts';
import type { Entry } from './follower.ts';
import { startKnownNodes } from './knownNodes.ts';

const entryOf = (node: string, more: Partial<NodeEntry> = {}): NodeEntry => ({
  node,
  hostname: `${node}.example`,
  version: '0.1.0',
  machine: 3,
  sealKey: `key of ${node}`,
  journal: 'j',
  instance: 'i',
  time: '2020-01-01T00:00:00.000Z',
  ...more,
});

const clock = new TestClock();

/** The two buckets, and what agents and `ifactor node forget` write there. */
function createBuckets() {
  const memory = createMemoryEventStore(clock, {
    [nodesStream]: 'last per subject',
    [knownNodesStream]: 'last per subject',
  });
  const client = memory.connect();
  const entry = (node: string, more: Partial<NodeEntry> = {}) =>
    client.append(nodesStream, { subject: nodeSubject(node), body: JSON.stringify(entryOf(node, more)), headers: {} });
  const mark = (stream: string, subject: string) =>
    client.append(stream, { subject, body: '', headers: { 'KV-Operation': 'PURGE' } });
  return {
    memory,
    client,
    beat: entry,
    expire: (node: string) => client.purge(nodesStream, nodeSubject(node)),
    async forget(node: string) {
      await mark(nodesStream, nodeSubject(node));
      await mark(knownNodesStream, knownNodeSubject(node));
    },
    async recordOf(node: string): Promise<NodeEntry | undefined> {
      const body = (await client.last(knownNodesStream, knownNodeSubject(node)))?.body ?? '';
      return body === '' ? undefined : (JSON.parse(body) as NodeEntry);
    },
  };
}

/** A bridge's part in it. */
async function startRecorder({ memory, client }: ReturnType<typeof createBuckets>) {
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const store = memory.connect();
  const nodes = createNodes();
  const following = {
    store,
    outage: createOutage(quiet, 'back'),
    clock,
    random: systemRandom,
    signal: stop.signal,
    onChange: (subject: string, entry: Entry | undefined) => void nodes.take(subject, entry, clock.now()),
  };
  await client.prepare();
  const registry = follow({ ...following, stream: nodesStream });
  const known = follow({ ...following, stream: knownNodesStream });
  await Promise.all([registry.settled, known.settled]);
  nodes.created(clock.now() - 3_600_000);
  const recorder = {
    leads: true,
    nodes,
    appended: 0,
    full: false,
    /** How many nodes were recorded when entries were allowed to expire. */
    recordedFirst: [] as number[],
    stop: () => stop.abort(),
    state: (node: string) => nodes.view(node, clock.now()).state,
  };
  startKnownNodes({
    store: {
      append(stream, message) {
        recorder.appended++;
        if (recorder.full) return Promise.reject(new StreamFull(stream, 'server'));
        return store.append(stream, message);
      },
      purge: (...args) => store.purge(...args),
    },
    view: { nodes, knownNodes: known, serverNow: () => clock.now() },
    leads: () => recorder.leads,
    expireEntries: async () => void recorder.recordedFirst.push([...known.all()].length),
    clock,
    log: quiet,
    signal: stop.signal,
  });
  return recorder;
}

const pass = (milliseconds = 5000): Promise<void> => clock.pass(milliseconds);

test('every node is recorded once, then entries may expire; a heartbeat alone is no reason to write', async () => {
  const buckets = createBuckets();
  await buckets.client.prepare();
  await buckets.beat('lax1');
  await buckets.beat('lax2', { trouble: { parked: false, message: 'the disk is full' } });
  const recorder = await startRecorder(buckets);
  const seen = new Date(clock.now()).toISOString();
  await pass();
  expect(await buckets.recordOf('lax1')).toEqual({ ...entryOf('lax1'), time: seen });
  expect(await buckets.recordOf('lax2')).toEqual({ ...entryOf('lax2'), time: seen });
  expect(recorder.recordedFirst).toEqual([2]);
  for (let beats = 0; beats < 3; beats++) {
    await buckets.beat('lax1');
    await buckets.beat('lax2');
    await pass(10_000);
  }
  expect([recorder.appended, recorder.recordedFirst]).toEqual([2, [2]]);
  await buckets.beat('lax1', { sealKey: 'new' });
  await pass();
  expect(await buckets.recordOf('lax1')).toMatchObject({ sealKey: 'new' });
  expect(recorder.appended).toBe(3);
});

test('a node that fell silent is known to the next bridge, with the time of its last heartbeat, after its entry expired', async () => {
  const buckets = createBuckets();
  const first = await startRecorder(buckets);
  await buckets.beat('lax1');
  await pass();
  await buckets.beat('lax1');
  const seen = new Date(clock.now()).toISOString();
  await pass(40_000);
  expect(first.state('lax1')).toBe('unreachable');
  expect(await buckets.recordOf('lax1')).toMatchObject({ time: seen });
  first.stop();
  await buckets.expire('lax1');

  const second = await startRecorder(buckets);
  expect(second.nodes.view('lax1', clock.now())).toMatchObject({ state: 'unreachable', seen: Date.parse(seen) });
  await pass();
  expect(second.state('lax1')).toBe('unreachable');
  expect(second.appended).toBe(0);
});

test('a node that was forgotten is unknown, stays so, and its marker goes; if it comes back it is recorded again', async () => {
  const buckets = createBuckets();
  const recorder = await startRecorder(buckets);
  await buckets.beat('lax1');
  await pass(40_000);
  await buckets.forget('lax1');
  await pass();
  expect(recorder.state('lax1')).toBe('unknown');
  expect(await buckets.recordOf('lax1')).toBeUndefined();
  await pass(700_000);
  expect(await buckets.client.last(knownNodesStream, knownNodeSubject('lax1'))).toBeUndefined();
  await buckets.beat('lax1');
  await pass();
  expect(await buckets.recordOf('lax1')).toMatchObject({ node: 'lax1' });
});

test('a bridge that does not lead records nothing, and removes nothing', async () => {
  const buckets = createBuckets();
  const recorder = await startRecorder(buckets);
  recorder.leads = false;
  await buckets.beat('lax1');
  await buckets.forget('lax2');
  await pass(700_000);
  expect(await buckets.recordOf('lax1')).toBeUndefined();
  expect(await buckets.client.last(knownNodesStream, knownNodeSubject('lax2'))).toBeDefined();
  expect(recorder.recordedFirst).toEqual([]);
});

test('of two bridges that both believe that they lead, the second to write leaves what the first wrote', async () => {
  const buckets = createBuckets();
  const [one, two] = [await startRecorder(buckets), await startRecorder(buckets)];
  await buckets.beat('lax1');
  await pass();
  await pass();
  expect(await buckets.recordOf('lax1')).toMatchObject({ node: 'lax1' });
  expect((await buckets.client.state(knownNodesStream)).last).toBe(1);
  expect([one.recordedFirst, two.recordedFirst]).toEqual([[1], [1]]);
});

test('nodes that fall silent because NATS stores no heartbeats are not called silent, and are heard again when there is room', async () => {
  const buckets = createBuckets();
  const recorder = await startRecorder(buckets);
  await buckets.beat('lax1');
  await pass();
  await buckets.beat('lax1');
  recorder.full = true;
  await pass(40_000);
  expect(recorder.nodes.view('lax1', clock.now())).toMatchObject({
    state: 'full',
    message: expect.stringContaining('max_file_store') as unknown,
  });
  recorder.full = false;
  await pass();
  expect(recorder.state('lax1')).toBe('reachable');
  await pass(40_000);
  expect(recorder.state('lax1')).toBe('unreachable');
});
