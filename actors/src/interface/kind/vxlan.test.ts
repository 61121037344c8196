import { describe, expect, test } from 'vitest';
import { difference, rulesFor, netlinkKey as key, shown } from '../../testing/rules.ts';
import { markOf } from '../diff/mark.ts';

const mark = markOf(key);
const slot = 'target';
const none = { drift: [], operations: [], waiting: [], conflict: null };

describe('a vxlan', () => {
  const vxlan = {
    vni: 9,
    dev: 'wg0',
    local: 'FD00::1',
    group: 'fd00::2',
    port: 4790,
    portRange: [4000, 5000],
    tos: 4,
    ttl: 9,
    noLearning: true,
    noAge: true,
    proxyARP: true,
  };
  const attributes = {
    vni: 9,
    dev: 'wg0',
    local: 'fd00::1',
    group: 'fd00::2',
    port: 4790,
    portRange: [4000, 5000] as [number, number],
    tos: 4,
    ttl: 9,
    learning: false,
    ageing: false,
    proxy: true,
  };
  const wanted = { interfaceName: 'vx0', type: 'vxlan', up: true, vxlan };
  const found = shown({ name: 'vx0', kind: 'vxlan', alias: mark, vxlan: attributes });
  const of = (
    target: typeof found | null,
    devices: { [name: string]: boolean } = { wg0: true },
    declared: object = wanted,
  ) => difference(key, declared, { links: { target }, devices });

  test('that is as declared is left alone', () => {
    expect(of(found)).toEqual(none);
    expect(rulesFor(key, wanted).rules.devices(rulesFor(key, wanted).spec)).toEqual(['wg0']);
  });

  test("is made with what is declared, and with the kernel's defaults elsewhere", () => {
    expect(of(null).operations).toMatchObject([{ type: 'CreateLink', link: { kind: 'vxlan', vxlan: attributes } }]);
    const bare = { ...wanted, vxlan: { vni: 1 } };
    expect(rulesFor(key, bare).rules.devices(rulesFor(key, bare).spec)).toEqual([]);
    const defaults = {
      vni: 1,
      dev: null,
      local: null,
      group: null,
      port: 4789,
      portRange: null,
      tos: 0,
      ttl: 0,
      learning: true,
      ageing: true,
      proxy: false,
    };
    expect(of(null, {}, bare).operations).toMatchObject([{ type: 'CreateLink', link: { vxlan: defaults } }]);
    expect(of({ ...found, vxlan: defaults }, {}, bare)).toEqual(none);
  });

  test.each([
    ['vni', 10],
    ['local', null],
    ['group', 'fd00::3'],
    ['port', 4789],
    ['portRange', null],
    ['tos', 0],
    ['ttl', 1],
    ['learning', true],
    ['ageing', true],
    ['proxy', false],
    ['dev', 'eth0'],
  ] as const)('with another %s is recreated', (field, other) => {
    const { drift, operations } = of({ ...found, vxlan: { ...attributes, [field]: other } });
    expect(drift).toEqual([{ field: `vxlan.${field}`, wanted: attributes[field], found: other }]);
    expect(operations).toMatchObject([
      { type: 'RemoveLink', slot, name: 'vx0', index: 7, mark, anew: [`vxlan.${field}`] },
      { type: 'CreateLink', name: 'vx0' },
    ]);
  });

  test('of whose source ports none is named leaves them to the kernel', () => {
    const open = { ...wanted, vxlan: { ...vxlan, portRange: [0, 0] } };
    expect(of({ ...found, vxlan: { ...attributes, portRange: null } }, { wg0: true }, open)).toEqual(none);
  });

  test('is recreated with the MAC address that it had', () => {
    const known = { macs: { mac: '02:00:00:00:00:09' } };
    const { operations } = difference(key, wanted, { links: { target: null }, devices: { wg0: true } }, known);
    expect(operations).toMatchObject([{ type: 'CreateLink', mac: '02:00:00:00:00:09' }]);
    expect(of(null).operations[0]).not.toHaveProperty('mac');
  });

  test('of somebody else, of whatever vni, is a conflict', () => {
    for (const vni of [9, 10]) {
      const other = { ...found, alias: 'ifactor:other/netlinkinterface/y', vxlan: { ...attributes, vni } };
      for (const devices of [{ wg0: true }, { wg0: false }])
        expect(of(other, devices)).toMatchObject({ drift: [], operations: [], conflict: { reason: 'NameConflict' } });
    }
  });

  test('waits for the device below it, and keeps what there is', () => {
    const waiting = [{ reason: 'DeviceMissing', params: { device: 'wg0', kind: 'vxlan' } }];
    expect(of(null, { wg0: false })).toEqual({ ...none, waiting });
    expect(of({ ...found, mtu: 1 }, {})).toEqual({ ...none, waiting });
  });
});
