import { expect, test } from 'vitest';
import type { KubeObject, Metadata } from '../kube/object.ts';
import { wireguard } from '../testing/objects.ts';
import { changeOf, createOwnWrites } from './change.ts';

const before: KubeObject = { ...wireguard('wg1'), status: { state: 'pending' } };
const after = (change: Partial<KubeObject>, metadata: Partial<Metadata> = {}): KubeObject => ({
  ...before,
  ...change,
  metadata: { ...before.metadata, resourceVersion: '2', ...metadata },
});
const status = { state: 'configured' };
const finalizers = ['networking.dn42.io/ifactor'];

test('what is new, gone, another life or differs in what is wanted is a change', () => {
  expect(changeOf({ object: before, before: undefined })).toBe('spec');
  expect(changeOf({ object: undefined, before })).toBe('spec');
  for (const object of [
    after({}, { uid: 'another life' }),
    after({ spec: { node: 'lax2' } }),
    after({}, { generation: 2 }),
    after({}, { deletionTimestamp: 'x' }),
    after({}, { labels: { a: 'b' } }),
    after({}, { annotations: { a: 'b' } }),
    after({ data: {} }),
  ])
    expect(changeOf({ object, before }, { status, finalizers })).toBe('spec');
});

test("the bridge's own status and finalizers are no changes, anybody else's are", () => {
  expect(changeOf({ object: after({ status }), before }, { status })).toBe('none');
  expect(changeOf({ object: after({ status }), before }, { status: { state: 'failed' } })).toBe('status');
  expect(changeOf({ object: after({ status }), before })).toBe('status');
  expect(changeOf({ object: after({}, { finalizers }), before }, { finalizers })).toBe('none');
  expect(changeOf({ object: after({}, { finalizers: ['stranger/x'] }), before }, { finalizers })).toBe('status');
  // One write is by the bridge, the other is not.
  expect(changeOf({ object: after({ status }, { finalizers }), before }, { finalizers })).toBe('status');
  expect(changeOf({ object: after({ status }, { finalizers }), before }, { finalizers, status })).toBe('none');
  expect(changeOf({ object: after({}), before })).toBe('none');
});

test('own writes are kept per object, part by part', () => {
  const writes = createOwnWrites();
  expect(writes.of(before)).toBeUndefined();
  writes.note(before, { finalizers });
  writes.note(before, { status, statusAt: 7 });
  expect(writes.of(before)).toEqual({ finalizers, status, statusAt: 7 });
  expect(writes.of(after({}, { uid: 'another life' }))).toBeUndefined();
  writes.forget(before);
  expect(writes.of(before)).toBeUndefined();
});
