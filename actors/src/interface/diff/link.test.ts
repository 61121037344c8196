import { describe, expect, test } from 'vitest';
import { address, difference, rulesFor, netlinkKey as key, shown } from '../../testing/rules.ts';
import { markOf } from './mark.ts';

const mark = markOf(key);
const spec = {
  interfaceName: 'd0',
  type: 'dummy',
  up: true,
  mtu: 1400,
  addresses: [{ ipcidr: '10.0.0.1/24' }, { ipcidr: 'fd00::1/64' }],
};
const whole = shown({
  name: 'd0',
  kind: 'dummy',
  mtu: 1400,
  alias: mark,
  addresses: [address('10.0.0.1/24'), address('fd00::1/64')],
});
const seen = (target: typeof whole | null, wanted: object = spec) => difference(key, wanted, { links: { target } });
const none = { drift: [], operations: [], waiting: [], conflict: null };
const slot = 'target';

describe('a link of one place', () => {
  test('lives in its container, or on the node', () => {
    const container = { docker: { name: 'box' } };
    const { rules, spec: away } = rulesFor(key, { ...spec, container });
    expect(rules.places(away)).toEqual([{ slot, container }]);
    expect(rules.names(away)).toEqual([{ slot, name: 'd0' }]);
    expect(rules.secrets(away)).toEqual([]);
    expect(rules.devices(away)).toEqual([]);
    expect(rules.places(rulesFor(key, spec).spec)).toEqual([{ slot, container: null }]);
  });

  test('that is as declared is left alone', () => {
    expect(seen(whole)).toEqual(none);
    // Where IPv6 does not run on the link there is nothing to generate.
    expect(seen({ ...whole, addrGenMode: null })).toEqual(none);
  });

  test('that is missing is made with all it has', () => {
    const made = [
      { type: 'CreateLink', slot, name: 'd0', mark, up: true, mtu: 1400, link: { kind: 'dummy' } },
      { type: 'AddAddress', slot, name: 'd0', address: address('10.0.0.1/24') },
      { type: 'AddAddress', slot, name: 'd0', address: address('fd00::1/64') },
    ];
    expect(seen(null)).toEqual({ ...none, drift: [{ field: 'link', wanted: 'd0', found: null }], operations: made });
    const { mtu: _, ...unmanaged } = spec;
    expect(seen(null, { ...unmanaged, addresses: [] }).operations).toEqual([
      { type: 'CreateLink', slot, name: 'd0', mark, up: true, link: { kind: 'dummy' } },
    ]);
  });

  test('of its kind and without a mark is adopted, with no other change', () => {
    expect(seen({ ...whole, alias: null })).toEqual({
      ...none,
      drift: [{ field: 'alias', wanted: mark, found: null }],
      operations: [{ type: 'AdoptLink', slot, name: 'd0', index: 7, mark }],
    });
    expect(seen({ ...whole, alias: 'a note of mine' }).operations).toMatchObject([{ type: 'AdoptLink' }]);
  });

  test.each([
    [
      { kind: 'bridge', alias: null },
      { kind: 'bridge', owner: null },
    ],
    [
      { kind: '', alias: null },
      { kind: '', owner: null },
    ],
    [{ alias: 'ifactor:other/netlinkinterface/y' }, { kind: 'dummy', owner: 'netlinkinterface other/y' }],
  ])("that is somebody else's (%o) is a conflict, and not touched", (other, whose) => {
    const params = { name: 'd0', ...whose };
    expect(seen({ ...whole, mtu: 9, ...other })).toEqual({ ...none, conflict: { reason: 'NameConflict', params } });
  });

  test('of another kind under our mark is recreated', () => {
    const { drift, operations } = seen({ ...whole, kind: 'bridge' });
    expect(drift).toEqual([{ field: 'kind', wanted: 'dummy', found: 'bridge' }]);
    expect(operations[0]).toEqual({ type: 'RemoveLink', slot, name: 'd0', index: 7, mark, anew: ['kind'] });
    expect(operations[1]).toMatchObject({ type: 'CreateLink', name: 'd0' });
    expect(operations).toHaveLength(4);
  });

  test.each([
    [{ mtu: 1300 }, { field: 'mtu', wanted: 1400, found: 1300 }, { mtu: 1400 }],
    [{ up: false }, { field: 'up', wanted: true, found: false }, { up: true }],
    [{ addrGenMode: 'eui64' }, { field: 'addrgenmode', wanted: 'none', found: 'eui64' }, { addrGenMode: 'none' }],
  ])('with %o is changed in place', (undone, drift, change) => {
    expect(seen({ ...whole, ...undone })).toEqual({
      ...none,
      drift: [drift],
      operations: [{ type: 'ChangeLink', slot, name: 'd0', change }],
    });
  });

  test('is taken down where it should be', () => {
    expect(seen(whole, { ...spec, up: false }).operations).toEqual([
      { type: 'ChangeLink', slot, name: 'd0', change: { up: false } },
    ]);
  });

  test('keeps an mtu that nobody declared', () => {
    const { mtu: _, ...unmanaged } = spec;
    expect(seen({ ...whole, mtu: 9000 }, unmanaged)).toEqual(none);
  });

  test('gets several changes in one request', () => {
    const { drift, operations } = seen({ ...whole, mtu: 1300, up: false, addrGenMode: 'random' });
    expect(drift.map(({ field }) => field)).toEqual(['mtu', 'addrgenmode', 'up']);
    expect(operations).toEqual([
      { type: 'ChangeLink', slot, name: 'd0', change: { mtu: 1400, addrGenMode: 'none', up: true } },
    ]);
  });

  test('is renamed while it is down, and comes up again', () => {
    const { drift, operations } = seen({ ...whole, name: 'elsewhat' });
    expect(drift).toEqual([{ field: 'name', wanted: 'd0', found: 'elsewhat' }]);
    expect(operations).toEqual([
      { type: 'ChangeLink', slot, name: 'elsewhat', change: { up: false } },
      { type: 'ChangeLink', slot, name: 'elsewhat', change: { name: 'd0' } },
      { type: 'ChangeLink', slot, name: 'd0', change: { up: true } },
    ]);
    const down = seen({ ...whole, name: 'elsewhat', up: false }, { ...spec, up: false });
    expect(down.operations).toEqual([{ type: 'ChangeLink', slot, name: 'elsewhat', change: { name: 'd0' } }]);
    const raised = seen({ ...whole, name: 'elsewhat', up: false });
    expect(raised.operations.map((operation) => 'change' in operation && operation.change)).toEqual([
      { name: 'd0' },
      { up: true },
    ]);
    const leave = seen({ ...whole, name: 'elsewhat' }, { ...spec, up: false });
    expect(leave.operations).toHaveLength(3);
    expect(leave.operations.at(-1)).toEqual({ type: 'ChangeLink', slot, name: 'd0', change: { up: false } });
  });

  test('loses addresses that are not declared before it gets those that are', () => {
    expect(seen({ ...whole, addresses: [address('10.0.0.1/16'), address('fd00::1/64')] })).toEqual({
      ...none,
      drift: [
        { field: 'addresses', wanted: null, found: '10.0.0.1/16' },
        { field: 'addresses', wanted: '10.0.0.1/24', found: null },
      ],
      operations: [
        { type: 'RemoveAddress', slot, name: 'd0', address: address('10.0.0.1/16') },
        { type: 'AddAddress', slot, name: 'd0', address: address('10.0.0.1/24') },
      ],
    });
  });
});
