import type { EventType, RecordedEvent } from '@ifactor/crds';
import { expect, test } from 'vitest';
import { createEventNotes } from './eventNotes.ts';

let sequence = 0;
const event = (type: EventType, state: string, data: object, name = 'br1'): RecordedEvent =>
  ({
    type,
    state,
    data,
    time: '2026-01-01T00:00:00.000Z',
    id: `lax1.j.${++sequence}`,
    sequence,
    node: 'lax1',
    key: { kind: 'netlinkinterface', namespace: 'default', name },
    causationId: null,
    correlationId: 'c',
    machine: 1,
  }) as RecordedEvent;

test('drift is told with its fields, and its repair once the interface is healthy again', () => {
  const tell = createEventNotes();
  const drift = [
    { field: 'mtu', wanted: 1400, found: 1500 },
    { field: 'addresses', wanted: [], found: [] },
    { field: 'mtu', wanted: 1, found: 2 },
  ];
  expect(tell(event('DriftObserved', 'drifted', { drift }))).toEqual({
    type: 'Warning',
    reason: 'DriftObserved',
    message: 'mtu: wanted 1400, found 1500; addresses: wanted none, found none; mtu: wanted 1, found 2',
  });
  expect(tell(event('LinkChanged', 'drifted', {}))).toBeUndefined();
  expect(tell(event('LinkObserved', 'configured', {}, 'another'))).toBeUndefined();
  expect(tell(event('LinkObserved', 'configured', {}))).toEqual({
    type: 'Normal',
    reason: 'Healed',
    message: 'as declared again: addresses, mtu',
  });
  expect(tell(event('LinkObserved', 'configured', {}))).toBeUndefined();
});

test('a failure names the operation and what the kernel said', () => {
  const tell = createEventNotes();
  const data = {
    operation: { type: 'CreateLink' },
    code: 'EOPNOTSUPP',
    message: 'cannot create dummy d0: this kernel has no "dummy"',
  };
  expect(tell(event('OperationFailed', 'failed', data))).toEqual({
    type: 'Warning',
    reason: 'OperationFailed',
    message: 'cannot create dummy d0: this kernel has no "dummy"',
  });
});

test('a link that is recreated says why; one that is adopted says that it existed', () => {
  const tell = createEventNotes();
  expect(
    tell(event('LinkRemoved', 'creating', { slot: 'home', name: 'br1', anew: ['vxlan.vni', 'vxlan.dev'] }))?.message,
  ).toBe(
    "removed link br1 from the node's netns to recreate it: vxlan.vni, vxlan.dev cannot be changed on an existing link",
  );
  expect(tell(event('LinkRemoved', 'deleting', { slot: 'target', name: 'br1' }))?.message).toBe(
    "removed link br1 from the interface's netns",
  );
  expect(tell(event('LinkAdopted', 'configured', { slot: 'home', name: 'br1' }))?.message).toBe(
    "adopted existing link br1 in the node's netns",
  );
});

test.each(['LinkCreated', 'LinkAdopted', 'LinkMoved', 'LinkRemoved'] as const)('%s is told as a fact', (type) => {
  const told = createEventNotes()(event(type, 'creating', { slot: 'home', name: 'br1', index: 7, netns: '1' }));
  expect(told).toMatchObject({ type: 'Normal', reason: type });
  expect(told?.message).toContain('link br1');
});

test('what is no news is not told', () => {
  expect(createEventNotes()(event('SpecChanged', 'pending', {}))).toBeUndefined();
});

test('drift without fields is of the link itself; it is healed in a netns too', () => {
  const tell = createEventNotes();
  expect(tell(event('DriftObserved', 'drifted', { drift: [] }))?.message).toBe(
    'the kernel differs from what is declared',
  );
  expect(tell(event('LinkMoved', 'moved-to-netns', { name: 'br1' }))).toMatchObject({ reason: 'Healed' });
});

test('of an interface that was deleted while it drifted nothing is told to the next of its name', () => {
  const tell = createEventNotes();
  tell(event('DriftObserved', 'drifted', { drift: [{ field: 'mtu', wanted: 1, found: 2 }] }));
  tell(event('LinkRemoved', 'deleted', { name: 'br1' }));
  expect(tell(event('LinkObserved', 'configured', {}))).toBeUndefined();
});

test('a link that somebody deleted is told as such first; what was gone with it is not told as removed', () => {
  const tell = createEventNotes();
  const drift = [{ field: 'link', wanted: 'veth1-a', found: null }];
  const log = [
    event('DriftObserved', 'drifted', { drift }),
    event('LinkRemoved', 'drifted', { slot: 'peer', name: 'veth1-b', absent: true }),
    event('LinkCreated', 'drifted', { slot: 'target', name: 'veth1-a', index: 9 }),
    event('LinkObserved', 'moved-to-netns', {}),
  ];
  expect(log.flatMap((one) => tell(one)?.message ?? [])).toEqual([
    'link veth1-a was deleted',
    "created link veth1-a in the interface's netns (index 9)",
    'as declared again: link',
  ]);
});

test('of a paused interface no repair is told', () => {
  const tell = createEventNotes();
  const drift = [{ field: 'mtu', wanted: 1400, found: 1500 }];
  expect(tell(event('DriftObserved', 'configured', { drift }))?.message).toBe('mtu: wanted 1400, found 1500');
  expect(tell(event('LinkObserved', 'configured', {}))).toBeUndefined();
});
