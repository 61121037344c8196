import { expect, test } from 'vitest';
import { difference, netlinkKey as key, shown } from '../../testing/rules.ts';
import { markOf } from '../diff/mark.ts';

const wanted = (mode: string) => ({ interfaceName: 'm0', type: 'macvlan', up: true, macvlan: { dev: 'low0', mode } });
const found = (mode: 'private' | 'passthru') =>
  shown({ name: 'm0', kind: 'macvlan', alias: markOf(key), macvlan: { dev: 'low0', mode } });
const devices = { low0: true };

test.each([
  ['passthru', 'private'],
  ['private', 'passthru'],
] as const)('a macvlan becomes %s from %s by being recreated: the kernel takes that at birth', (to, from) => {
  expect(
    difference(key, wanted(to), { links: { target: found(from) }, devices }).operations.map(({ type }) => type),
  ).toEqual(['RemoveLink', 'CreateLink']);
});

const made = (mode: string) =>
  difference(key, wanted(mode), { links: { target: null }, devices }, { macs: { mac: '02:00:00:00:00:09' } })
    .operations[0];

test('one in mode passthru has the MAC address of the device below', () => {
  expect(made('passthru')).not.toHaveProperty('mac');
  expect(made('vepa')).toMatchObject({ mac: '02:00:00:00:00:09' });
});
