import type { InterfaceStatus, StatusMessage } from '@ifactor/crds';
import { expect, test } from 'vitest';
import { mayGo, withFinalizer, withoutFinalizers } from './finalizer.ts';
import { createNodes } from '../view/nodes.ts';
import type { NodeView } from '../view/nodes.ts';
import { noteOf } from './note.ts';
import { wantedStatus } from './status.ts';
import { registered, wireguard } from '../testing/objects.ts';

const now = new Date('2026-01-01T00:10:00.000Z');
const { entry } = registered('lax1');
const up: NodeView = { state: 'reachable', entry, seen: now.getTime() };
const silent: NodeView = { state: 'unreachable', entry, seen: now.getTime() - 60_000 };
const unknown: NodeView = { state: 'unknown' };
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

test('a silent node keeps its status but for Ready, and gets it back when heard again', () => {
  const lost = wantedStatus(object(configured), said(configured), silent, undefined, now);
  expect(lost).toMatchObject({ state: 'configured', observedGeneration: 1 });
  expect(ready(lost)).toBe('Unknown NodeUnreachable 2026-01-01T00:10:00.000Z');
  // A second look does not move the time of the transition, or each look would be a write.
  expect(wantedStatus(object(lost), said(configured), silent, undefined, new Date(now.getTime() + 5000))).toEqual(lost);
  expect(wantedStatus(object(lost), said(configured), up, undefined, now)).toEqual(configured);
});

test('a node that can decide nothing says why, and its status but for Ready stays', () => {
  const message = 'the journal cannot grow: the disk is full; interfaces are left as they are until then';
  const parked: NodeView = { ...up, entry: { ...entry, trouble: { parked: true, message } } };
  const status = wantedStatus(object(configured), said(configured), parked, undefined, now);
  expect(status).toMatchObject({
    state: 'configured',
    conditions: [{ status: 'Unknown', reason: 'NodeParked', message: expect.stringContaining(message) as unknown }],
  });
  const healing: NodeView = { ...up, entry: { ...entry, trouble: { parked: false, message } } };
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

test('a deleted object may go when its agent says so, or when there never was one', () => {
  const deletionTimestamp = '2026-01-01T00:10:00Z';
  const going = wireguard('wg1', {}, { deletionTimestamp });
  const at = now.getTime();
  expect(mayGo(wireguard('wg1'), said({ state: 'deleted' }), up, at)).toBe(false);
  expect(mayGo(going, said({ state: 'deleting' }), up, at)).toBe(false);
  expect(mayGo(going, said({ state: 'deleted' }), up, at)).toBe(true);
  expect(mayGo(going, undefined, up, at)).toBe(false);
  expect(mayGo(going, undefined, silent, at)).toBe(false);
  expect(mayGo(going, undefined, unknown, at)).toBe(30_000);
  expect(mayGo(going, undefined, unknown, at + 30_000)).toBe(true);
});

test('a node is unreachable after three missed heartbeats, but not while NATS is away', () => {
  const nodes = createNodes();
  const at = now.getTime();
  const message = (time: number) => ({
    subject: 'kv',
    sequence: 1,
    time,
    header: () => '',
    body: JSON.stringify(entry),
  });
  expect(nodes.view('lax1', at).state).toBe('unknown');
  expect(nodes.take('kv', message(at), at)).toBe('lax1');
  expect(nodes.take('kv', message(at + 10_000), at + 10_000)).toBeUndefined();
  expect(nodes.view('lax1', at + 40_000).state).toBe('reachable');
  expect(nodes.view('lax1', at + 40_001).state).toBe('unreachable');
  expect(nodes.take('kv', message(at + 50_000), at + 50_000)).toBe('lax1');
  nodes.connected(false, at + 55_000);
  expect(nodes.view('lax1', at + 500_000).state).toBe('reachable');
  nodes.connected(true, at + 500_000);
  expect(nodes.view('lax1', at + 520_000).state).toBe('reachable');
  expect(nodes.view('lax1', at + 531_000).state).toBe('unreachable');
  const troubled = JSON.stringify({ ...entry, trouble: { parked: true, message: 'the disk is full' } });
  nodes.take('kv', message(at + 590_000), at + 590_000);
  expect(nodes.take('kv', { ...message(at + 590_001), body: troubled }, at + 590_001)).toBe('lax1');
  const rekeyed = JSON.stringify({ ...entry, sealKey: 'other' });
  nodes.take('kv', message(at + 600_000), at + 600_000);
  expect(nodes.take('kv', { ...message(at + 600_001), body: rekeyed }, at + 600_001)).toBe('lax1');
  expect(nodes.take('kv', undefined, at + 600_002)).toBe('lax1');
  expect(nodes.view('lax1', at + 600_002).state).toBe('unknown');
});

test('an old entry found at the start is no heartbeat', () => {
  const nodes = createNodes();
  nodes.take(
    'kv',
    { subject: 'kv', sequence: 1, time: now.getTime() - 60_000, header: () => '', body: JSON.stringify(entry) },
    now.getTime(),
  );
  expect(nodes.view('lax1', now.getTime()).state).toBe('unreachable');
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
