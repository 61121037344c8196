import { expect, test } from 'vitest';
import { difference, rulesFor, netlinkKey as key, shown } from '../../testing/rules.ts';
import { markOf } from '../diff/mark.ts';

const wanted = { interfaceName: 'v0', type: 'vlan', up: true, vlan: { dev: 'low0', id: 9 } };
const found = shown({ name: 'v0', kind: 'vlan', alias: markOf(key), vlan: { dev: 'low0', id: 9, protocol: '802.1Q' } });
const waiting = [{ reason: 'DeviceDown', params: { device: 'low0', name: 'v0' } }];
const of = (target: typeof found | null, down: { down?: string[] } = {}, spec: object = wanted) =>
  difference(key, spec, { links: { target }, devices: { low0: true }, ...down });

test('a vlan goes down with the device below it, which is no drift', () => {
  expect(of({ ...found, up: false }, { down: ['low0'] })).toEqual({
    drift: [],
    operations: [],
    waiting,
    conflict: null,
  });
  expect(of({ ...found, up: false }).drift).toEqual([{ field: 'up', wanted: true, found: false }]);
});

test('a vlan over a device that is down is made, and left down', () => {
  const { operations, waiting: waits } = of(null, { down: ['low0'] });
  expect(operations).toMatchObject([{ type: 'CreateLink', up: false }]);
  expect(waits).toEqual(waiting);
});

const needs = (spec: object) => rulesFor(key, spec).rules.mustBeUp?.(rulesFor(key, spec).spec);

test('only a vlan that is to be up needs the device up', () => {
  expect(needs(wanted)).toEqual(['low0']);
  expect(needs({ ...wanted, up: false })).toEqual([]);
});

test('a device that is not there is waited for as one that is missing', () => {
  expect(difference(key, wanted, { links: { target: null }, devices: {} }).waiting).toMatchObject([
    { reason: 'DeviceMissing' },
  ]);
});
