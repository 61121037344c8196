import type { InterfaceStatus, StatusMessage } from '@ifactor/crds';
import { systemClock } from '@ifactor/common';
import { expect, test } from 'vitest';
import { mayGo, withFinalizer, withoutFinalizers } from './finalizer.ts';
import { closest } from '../view/closest.ts';
import { createServerTime } from '../view/serverTime.ts';
import { createNodes } from '../view/nodes.ts';
import type { NodeView } from '../view/nodes.ts';
import { noteOf } from './note.ts';
import type { Entry } from '../stream/follower.ts';
import { readStatus, wantedStatus } from './status.ts';
import { registered, wireguard } from '../testing/objects.ts';

const now = new Date('2026-01-01T00:10:00.000Z');
const { entry } = registered('lax1');
const up: NodeView = { state: 'reachable', entry, seen: now.getTime() };
const silent: NodeView = { state: 'unreachable', entry, seen: now.getTime() - 60_000 };
const unknown: NodeView = { state: 'unknown', waitMs: 0 };
const configured: InterfaceStatus = {
  state: 'configured',
  observedGeneration: 1,
  conditions: [
    {
      type: 'Ready',
      status: 'True',
      reason: 'Configured',
      message: 'as declared',
      lastTransitionTime: '2026-01-01T00:00:00.000Z',
    },
  ],
};
const said = (status: InterfaceStatus): StatusMessage => ({
  uid: 'uid-wg1',
  kind: 'wireguardinterface',
  namespace: 'default',
  name: 'wg1',
  node: 'lax1',
  hash: '',
  status,
});
const object = (status?: InterfaceStatus) => ({ ...wireguard('wg1'), ...(status && { status }) });
const ready = (status: InterfaceStatus | undefined): string => {
  const [condition] = status?.conditions ?? [];
  return `${condition?.status} ${condition?.reason} ${condition?.lastTransitionTime}`;
};

test('what a living agent says is what is shown', () => {
  expect(wantedStatus(object(), said(configured), up, undefined, now)).toEqual(configured);
});

test('what an agent of a later version says is shown as it is, also where the bridge adds that it is silent', () => {
  const told: object = { ...said({ ...configured, state: 'resting', mood: 'fine' } as InterfaceStatus), extra: 1 };
  const message = readStatus({ sequence: 1, time: 0, body: JSON.stringify(told) } as Entry);
  const shown = { state: 'resting', mood: 'fine' };
  expect(wantedStatus(object(), message, up, undefined, now)).toMatchObject({ ...configured, ...shown });
  expect(wantedStatus(object(message?.status), message, silent, undefined, now)).toMatchObject(shown);
  expect(wantedStatus(object(message?.status), undefined, silent, undefined, now)).toMatchObject(shown);
});

test('a silent node keeps its status but for Ready, and gets it back when heard again', () => {
  const lost = wantedStatus(object(configured), said(configured), silent, undefined, now);
  expect(lost).toMatchObject({ state: 'configured', observedGeneration: 1 });
  expect(ready(lost)).toBe('Unknown NodeUnreachable 2026-01-01T00:10:00.000Z');
  // A second reconcile does not change the transition time, or each one would be a write.
  expect(wantedStatus(object(lost), said(configured), silent, undefined, new Date(now.getTime() + 5000))).toEqual(lost);
  expect(wantedStatus(object(lost), said(configured), up, undefined, now)).toEqual(configured);
});

test('a node that can decide nothing says why, and its status but for Ready stays', () => {
  const full = 'the journal cannot grow: the disk is full; interfaces are left as they are until then';
  const parked: NodeView = { ...up, entry: { ...entry, trouble: { parked: true, message: full } } };
  const status = wantedStatus(object(configured), said(configured), parked, undefined, now);
  expect(status).toMatchObject({
    state: 'configured',
    conditions: [{ status: 'Unknown', reason: 'NodeParked', message: expect.stringContaining(full) as unknown }],
  });
  const healing: NodeView = { ...up, entry: { ...entry, trouble: { parked: false, message: full } } };
  expect(wantedStatus(object(status), said(configured), healing, undefined, now)).toEqual(configured);
});

test('a node nobody serves is said to be unknown, with what to start', () => {
  const status = wantedStatus(object(), undefined, unknown, undefined, now);
  expect(ready(status)).toBe('Unknown NodeUnknown 2026-01-01T00:10:00.000Z');
  expect(status?.conditions?.[0]?.message).toContain('ifactor-agent --node lax1');
  expect(ready(wantedStatus(object(status), undefined, up, undefined, now))).toMatch(/^Unknown Pending/);
});

test('a status of an earlier life is not in question where the agent has not spoken', () => {
  expect(wantedStatus(object(configured), undefined, up, undefined, now)).toEqual(configured);
});

test('an object without a node that could be told of it is refused by the bridge itself', () => {
  expect(wantedStatus(object(), undefined, unknown, 'node is missing', now)?.conditions).toMatchObject([
    { status: 'False', reason: 'InvalidSpec', message: 'node is missing' },
  ]);
});

const meta = (...finalizers: string[]) => wireguard('wg1', {}, { finalizers }).metadata;

test('finalizers: ours is added only where none is known, and only known ones are removed', () => {
  const old = 'wireguardinterface.networking.dn42.io/finalizer';
  expect(withFinalizer(meta())).toEqual(['networking.dn42.io/ifactor']);
  expect(withFinalizer(meta('stranger/x'))).toEqual(['stranger/x', 'networking.dn42.io/ifactor']);
  expect(withFinalizer(meta(old))).toBeUndefined();
  expect(
    withoutFinalizers(
      meta('stranger/x', old, 'networkplan.networking.dn42.io/finalizer', 'networking.dn42.io/ifactor'),
    ),
  ).toEqual(['stranger/x']);
});

test('a deleted object may go when its agent says so, or when no agent of its node has registered', () => {
  const going = wireguard('wg1', {}, { deletionTimestamp: '2026-01-01T00:10:00Z' });
  expect(mayGo(wireguard('wg1'), said({ state: 'deleted' }), up)).toBe(false);
  expect(mayGo(going, said({ state: 'deleting' }), up)).toBe(false);
  expect(mayGo(going, said({ state: 'deleted' }), up)).toBe(true);
  expect(mayGo(going, undefined, up)).toBe(false);
  expect(mayGo(going, undefined, silent)).toBe(false);
  expect(mayGo(going, said({ state: 'configured' }), unknown)).toBe(false);
  expect(mayGo(going, undefined, { state: 'unknown', waitMs: 7000 })).toBe(7000);
  expect(mayGo(going, undefined, unknown)).toBe(true);
});

test('the generation that a condition is about stands in every status', () => {
  const third = { ...wireguard('wg1', {}, { generation: 3 }) };
  const statuses = [
    wantedStatus(third, undefined, unknown, undefined, now),
    wantedStatus(third, undefined, silent, undefined, now),
    wantedStatus(third, undefined, { state: 'unheard', entry, since: 0 }, undefined, now),
    wantedStatus(third, undefined, up, undefined, now),
    wantedStatus(third, undefined, unknown, 'node is missing', now),
  ];
  for (const status of statuses)
    expect(status).toMatchObject({ observedGeneration: 3, conditions: [{ observedGeneration: 3 }] });
  // The agent has another object in the kernel, and reports it.
  expect(wantedStatus(third, said(configured), silent, undefined, now)).toMatchObject({ observedGeneration: 1 });
});

const message = (node: NodeView, more: object = {}) =>
  wantedStatus(wireguard('wg1', {}, more), undefined, node, undefined, now)?.conditions?.[0]?.message;

test('what is away is named: the node, or NATS', () => {
  expect(message(silent)).toMatch(/^no heartbeat from node lax1 since 2026-01-01T00:09:00.000Z; check that/);
  expect(message(silent, { deletionTimestamp: 'x' })).toContain('ifactor node forget lax1');
  expect(message({ state: 'unheard', entry, since: 0 })).toMatch(/^NATS has not answered the bridge since 1970/);
  expect(message({ state: 'unknown', waitMs: 0, similar: 'lax2' })).toContain('(did you mean node lax2?)');
  expect(message({ state: 'unknown', waitMs: 1 }, { deletionTimestamp: 'x' })).toMatch(/^deletion waits 30 s/);
});

const at = now.getTime();
const key = `$KV.ifactor_nodes.${entry.node}`;
const heartbeat = (time: number, body: object = entry) => ({
  subject: 'kv',
  sequence: 1,
  time,
  header: () => '',
  body: JSON.stringify(body),
});

test('a node is unreachable after three missed heartbeats', () => {
  const nodes = createNodes();
  expect(nodes.view('lax1', at).state).toBe('unknown');
  expect(nodes.take(key, heartbeat(at), at)).toBe('lax1');
  expect(nodes.take(key, heartbeat(at + 10_000), at + 10_000)).toBeUndefined();
  expect(nodes.view('lax1', at + 40_000).state).toBe('reachable');
  expect(nodes.view('lax1', at + 40_001).state).toBe('unreachable');
  expect(nodes.take(key, heartbeat(at + 50_000), at + 50_000)).toBe('lax1');
});

const record = (time: number, body: object = entry) => heartbeat(time, { ...body, time: new Date(time).toISOString() });
const recordKey = `$KV.ifactor_known_nodes.${entry.node}`;

test('a node whose entry expired is silent, not unknown, until its record is removed', () => {
  const nodes = createNodes();
  nodes.created(0);
  expect(nodes.take(recordKey, record(at - 3_600_000), at)).toBe('lax1');
  expect(nodes.view('lax1', at)).toMatchObject({ state: 'unreachable', seen: at - 3_600_000 });
  expect([...nodes.names()]).toEqual(['lax1']);
  expect([...nodes.heard()]).toEqual([]);
  nodes.take(key, heartbeat(at), at);
  expect(nodes.take(recordKey, record(at), at)).toBeUndefined();
  expect(nodes.view('lax1', at).state).toBe('reachable');
  expect(nodes.take(key, undefined, at + 40_000)).toBe('lax1');
  expect(nodes.view('lax1', at + 40_000)).toMatchObject({ state: 'unreachable', seen: at });
  expect(nodes.take(recordKey, undefined, at + 50_000)).toBe('lax1');
  expect(nodes.view('lax1', at + 50_000)).toMatchObject({ state: 'unknown', waitMs: 0 });
});

test('while NATS stores nothing, a missing heartbeat says that, and then three may be missing again', () => {
  const nodes = createNodes();
  nodes.take(key, heartbeat(at), at);
  nodes.stored('no room', at + 5000);
  expect(nodes.view('lax1', at + 30_000).state).toBe('reachable');
  expect(nodes.view('lax1', at + 30_001)).toMatchObject({ state: 'full', message: 'no room' });
  nodes.stored(undefined, at + 60_000);
  expect(nodes.view('lax1', at + 90_000).state).toBe('reachable');
  expect(nodes.view('lax1', at + 90_001).state).toBe('unreachable');
  nodes.stored(undefined, at + 91_000);
  expect(nodes.view('lax1', at + 91_000).state).toBe('unreachable');
  const shown = wantedStatus(
    object(configured),
    said(configured),
    { state: 'full', entry, message: 'why' },
    undefined,
    now,
  );
  expect(shown).toMatchObject({ state: 'configured', conditions: [{ reason: 'NatsFull', message: 'why' }] });
  expect(wantedStatus(object(shown), undefined, up, undefined, now)?.conditions).toMatchObject([{ reason: 'Pending' }]);
});

test('a bucket that was made again says nothing of nodes that are recorded, for as long as three heartbeats take', () => {
  const nodes = createNodes();
  nodes.take(recordKey, record(at - 3_600_000), at);
  nodes.created(at);
  expect(nodes.view('lax1', at + 30_000).state).toBe('reachable');
  expect(nodes.view('lax1', at + 30_001).state).toBe('unreachable');
});

test('an entry counts under the key of its node only', () => {
  const nodes = createNodes();
  nodes.take(key, heartbeat(at), at);
  const forged = heartbeat(at + 1, { ...entry, sealKey: 'of somebody else' });
  expect(nodes.take('$KV.ifactor_nodes.lax9', forged, at + 1)).toBeUndefined();
  expect(nodes.view('lax1', at + 2)).toMatchObject({ entry: { sealKey: entry.sealKey } });
  expect([...nodes.names()]).toEqual(['lax1']);
});

test('while NATS is away no node is judged, and that is what is said', () => {
  const nodes = createNodes();
  nodes.take(key, heartbeat(at), at);
  nodes.connected(false, at + 5000);
  nodes.connected(false, at + 10_000);
  expect(nodes.view('lax1', at + 35_000).state).toBe('reachable');
  expect(nodes.view('lax1', at + 35_001)).toMatchObject({ state: 'unheard', since: at + 5000 });
  nodes.connected(true, at + 500_000);
  expect(nodes.view('lax1', at + 530_000).state).toBe('reachable');
  expect(nodes.view('lax1', at + 530_001).state).toBe('unreachable');
});

test('a node is looked at again where its trouble or its key changed, and where it is gone', () => {
  const nodes = createNodes();
  nodes.take(key, heartbeat(at), at);
  const troubled = heartbeat(at + 1, { ...entry, trouble: { parked: true, message: 'the disk is full' } });
  expect(nodes.take(key, troubled, at + 1)).toBe('lax1');
  expect(nodes.take(key, heartbeat(at + 2), at + 2)).toBe('lax1');
  expect(nodes.take(key, heartbeat(at + 3, { ...entry, sealKey: 'other' }), at + 3)).toBe('lax1');
  expect([...nodes.names()]).toEqual(['lax1']);
  expect(nodes.take(key, undefined, at + 4)).toBe('lax1');
  expect(nodes.take(key, undefined, at + 5)).toBeUndefined();
  expect(nodes.view('lax1', at + 6).state).toBe('unknown');
});

test('an old entry found at the start is no heartbeat', () => {
  const nodes = createNodes();
  nodes.take(key, heartbeat(at - 60_000), at);
  expect(nodes.view('lax1', at).state).toBe('unreachable');
});

test('a node that never was is waited for only while the list of nodes is new', () => {
  const nodes = createNodes();
  nodes.take(key, heartbeat(at), at);
  expect(nodes.view('lax3', at)).toEqual({ state: 'unknown', waitMs: 30_000, similar: 'lax1' });
  nodes.created(at - 20_000);
  expect(nodes.view('elsewhere', at)).toEqual({ state: 'unknown', waitMs: 10_000, similar: undefined });
  expect(nodes.view('elsewhere', at + 10_000)).toMatchObject({ waitMs: 0 });
  nodes.connected(false, at + 20_000);
  expect(nodes.view('elsewhere', at + 80_000)).toMatchObject({ waitMs: 30_000 });
  nodes.connected(true, at + 80_000);
  expect(nodes.view('elsewhere', at + 90_000)).toMatchObject({ waitMs: 20_000 });
});

test('a machine whose clock is wrong has the time of the server', () => {
  let monotonic = 1000;
  const clock = { ...systemClock, now: () => at + 60_000, monotonic: () => monotonic };
  const time = createServerTime(clock);
  expect(time.now()).toBe(at + 60_000);
  time.stored(at - 9000);
  time.stored(at - 20_000);
  expect(time.now()).toBe(at - 9000);
  time.said(at);
  monotonic += 5000;
  time.stored(at + 90_000);
  expect(time.now()).toBe(at + 5000);
});

test('a name that is nearly another is known', () => {
  expect(closest('lax11', ['lax1', 'fra1'])).toBe('lax1');
  expect(closest('alx1', ['lax1', 'fra1'])).toBe('lax1');
  expect(closest('lax1', ['lax12', 'lax123'])).toBe('lax12');
  expect(closest('berlin', ['lax1', 'fra1'])).toBeUndefined();
  expect(closest('a', ['b', 'bc'])).toBeUndefined();
});

test('an Event is told when Ready changes, not at each status', () => {
  const pending: InterfaceStatus = {
    conditions: [
      {
        type: 'Ready',
        status: 'False',
        reason: 'SecretNotFound',
        message: 'create it',
        lastTransitionTime: now.toISOString(),
      },
    ],
  };
  expect(noteOf(undefined, configured)).toEqual({ type: 'Normal', reason: 'Configured', message: 'as declared' });
  expect(noteOf(configured, configured)).toBeUndefined();
  expect(noteOf(configured, pending)).toEqual({ type: 'Warning', reason: 'SecretNotFound', message: 'create it' });
  const drifted: InterfaceStatus = {
    conditions: [
      {
        type: 'Ready',
        status: 'False',
        reason: 'Drifted',
        message: 'repairs mtu',
        lastTransitionTime: now.toISOString(),
      },
    ],
  };
  // Told from the event log, with the fields.
  expect(noteOf(configured, drifted)).toBeUndefined();
  expect(noteOf(drifted, configured)).toBeUndefined();
});

const readyIs = (status: 'True' | 'False' | 'Unknown', reason: string): InterfaceStatus => ({
  conditions: [{ type: 'Ready', status, reason, message: reason, lastTransitionTime: now.toISOString() }],
});

const told = (before: InterfaceStatus | undefined, after: InterfaceStatus): unknown => noteOf(before, after)?.type;

test('another reason for not being ready is told; another for being ready is not', () => {
  expect(told(readyIs('False', 'SecretNotFound'), readyIs('False', 'NameConflict'))).toBe('Warning');
  expect(told(readyIs('False', 'SecretNotFound'), readyIs('False', 'SecretNotFound'))).toBeUndefined();
  expect(told(readyIs('Unknown', 'NodeUnreachable'), readyIs('False', 'NodeUnreachable'))).toBe('Warning');
  expect(told(readyIs('True', 'Configured'), readyIs('True', 'MovedToNetns'))).toBeUndefined();
  // No longer Ready: reported although drift came before.
  expect(told(readyIs('False', 'Drifted'), readyIs('False', 'NameConflict'))).toBe('Warning');
  expect(told(undefined, {})).toBeUndefined();
  expect(told(readyIs('True', 'Configured'), {})).toBeUndefined();
});

test.each(['Deleting', 'Deleted'])('%s is what somebody asked for, no warning', (reason) => {
  expect(noteOf(configured, readyIs('False', reason))).toMatchObject({ type: 'Normal', reason });
});

test.each([
  'Pending',
  'Unknown',
  'Observing',
  'Creating',
  'Confirming',
  'AddressTentative',
  'Drifted',
  'Paused',
  'PublicKeyUnknown',
  'InterfacesNotReady',
])('%s is on the way to something else, and not told', (reason) => {
  expect(noteOf(configured, readyIs('False', reason))).toBeUndefined();
});

test('a deleted object gets no finalizer, and is held by any that is ours', () => {
  const going = { ...meta(), deletionTimestamp: '2026-01-01T00:10:00Z' };
  expect(withFinalizer(going)).toBeUndefined();
  expect(withoutFinalizers(wireguard('wg1').metadata)).toEqual([]);
});

test.each(['NodeUnknown', 'NodeUnreachable', 'NatsUnreachable', 'NodeParked', 'InvalidSpec'])(
  'what the bridge said as %s is taken back when the agent is there and has not spoken; the rest stays',
  (reason) => {
    const before: InterfaceStatus = { ...readyIs('Unknown', reason), state: 'configured', hostname: 'h' };
    const after = wantedStatus(object(before), undefined, up, undefined, now);
    expect(after).toMatchObject({
      state: 'configured',
      hostname: 'h',
      conditions: [{ status: 'Unknown', reason: 'Pending', message: 'sent to the agent of node lax1' }],
    });
  },
);

test('of a node that is unknown nothing is shown that another one said', () => {
  const shown = wantedStatus(object(configured), undefined, unknown, undefined, now);
  expect(shown).not.toHaveProperty('state');
  expect(shown?.conditions?.[0]?.message).toBe(
    'no agent of node lax1 has registered; start one there: ifactor-agent --node lax1',
  );
  // What its agent said, of which the entry is lost, is.
  expect(wantedStatus(object(), said(configured), unknown, undefined, now)).toMatchObject({ state: 'configured' });
});

test('a deletion that waits for nothing more is not said to wait', () => {
  expect(message({ state: 'unknown', waitMs: 0 }, { deletionTimestamp: 'x' })).toMatch(/^no agent of node lax1/);
  expect(message({ state: 'unknown', waitMs: 1000 })).toMatch(/^no agent of node lax1/);
});

test('what is told of NATS has its own reason, and other conditions are not taken for Ready', () => {
  const status = wantedStatus(object(), undefined, { state: 'unheard', entry, since: 0 }, undefined, now);
  expect(status?.conditions?.[0]?.reason).toBe('NatsUnreachable');
  const other = { ...readyIs('True', 'Yes').conditions![0]!, type: 'Synced' as never };
  expect(noteOf(undefined, { conditions: [other] })).toBeUndefined();
});
