import { describe, expect, test } from 'vitest';
import { address, difference, rulesFor, netlinkKey as key, shown } from '../../testing/rules.ts';
import { markOf } from '../diff/mark.ts';

const [mark, farMark] = [markOf(key), markOf(key, 'peer')];
const [here, there] = [{ docker: { name: 'a' } }, { docker: { name: 'b' } }];
const spec = {
  interfaceName: 've0',
  type: 'veth',
  up: true,
  mtu: 1400,
  container: here,
  addresses: [{ ipcidr: '10.0.0.1/24' }],
  veth: { peer: { interfaceName: 've1', container: there, addresses: [{ ipcidr: '10.0.0.2/24' }] } },
};
const near = shown({
  index: 3,
  name: 've0',
  kind: 'veth',
  mtu: 1400,
  alias: mark,
  peerIndex: 4,
  addresses: [address('10.0.0.1/24')],
});
const far = shown({
  index: 4,
  name: 've1',
  kind: 'veth',
  mtu: 1400,
  alias: farMark,
  peerIndex: 3,
  addresses: [address('10.0.0.2/24')],
});
const of = (target: typeof near | null, peer: typeof near | null) => difference(key, spec, { links: { target, peer } });
const none = { drift: [], operations: [], waiting: [], conflict: null };
const made = [
  { type: 'CreateLink', slot: 'target', name: 've0', mark, up: true, mtu: 1400, link: { kind: 'veth', peer: 've1' } },
  { type: 'AddAddress', slot: 'target', name: 've0', address: address('10.0.0.1/24') },
  { type: 'AddAddress', slot: 'peer', name: 've1', address: address('10.0.0.2/24') },
];
const gone = (slot: string, name: string, index: number, owner: string) => ({
  type: 'RemoveLink',
  slot,
  name,
  index,
  mark: owner,
});

describe('a veth pair', () => {
  test('claims a name in the netns of each end', () => {
    const { rules, spec: read } = rulesFor(key, spec);
    expect(rules.places(read)).toEqual([
      { slot: 'target', container: here },
      { slot: 'peer', container: there },
    ]);
    expect(rules.names(read)).toEqual([
      { slot: 'target', name: 've0' },
      { slot: 'peer', name: 've1' },
    ]);
    expect(rules.devices(read)).toEqual([]);
    expect(rules.secrets(read)).toEqual([]);
    const { container: _, ...onNode } = { ...spec, veth: { peer: { interfaceName: 've1' } } };
    const bare = rulesFor(key, onNode);
    expect(bare.rules.places(bare.spec)).toEqual([
      { slot: 'target', container: null },
      { slot: 'peer', container: null },
    ]);
  });

  test('that is as declared is left alone', () => expect(of(near, far)).toEqual(none));

  test('that is missing is made at once, with the addresses of both ends', () => {
    const drift = [
      { field: 'link', wanted: 've0', found: null },
      { field: 'link', wanted: 've1', found: null },
    ];
    expect(of(null, null)).toEqual({ ...none, drift, operations: made });
    const { mtu: _, ...unmanaged } = spec;
    expect(difference(key, { ...unmanaged, up: false }, { links: { target: null, peer: null } }).operations[0]).toEqual(
      {
        type: 'CreateLink',
        slot: 'target',
        name: 've0',
        mark,
        up: false,
        link: { kind: 'veth', peer: 've1' },
      },
    );
  });

  test('has each of its ends changed in its own netns', () => {
    const { drift, operations } = of({ ...near, up: false }, { ...far, mtu: 1500 });
    expect(drift).toEqual([
      { field: 'up', wanted: true, found: false },
      { field: 'mtu', wanted: 1400, found: 1500 },
    ]);
    expect(operations).toEqual([
      { type: 'ChangeLink', slot: 'target', name: 've0', change: { up: true } },
      { type: 'ChangeLink', slot: 'peer', name: 've1', change: { mtu: 1400 } },
    ]);
  });

  test('that nobody marked is adopted, both ends', () => {
    expect(of({ ...near, alias: null }, { ...far, alias: null }).operations).toEqual([
      { type: 'AdoptLink', slot: 'target', name: 've0', index: 3, mark },
      { type: 'AdoptLink', slot: 'peer', name: 've1', index: 4, mark: farMark },
    ]);
  });

  test('of which half is left is recreated', () => {
    expect(of(near, null)).toEqual({
      ...none,
      drift: [{ field: 'link', wanted: 've1', found: null }],
      operations: [gone('target', 've0', 3, mark), ...made],
    });
    expect(of(null, far)).toEqual({
      ...none,
      drift: [{ field: 'link', wanted: 've0', found: null }],
      operations: [gone('peer', 've1', 4, farMark), ...made],
    });
  });

  test.each([
    [9, 3],
    [4, 9],
  ])('whose ends are no pair (%i, %i) is recreated', (a, b) => {
    const { drift, operations } = of({ ...near, peerIndex: a }, { ...far, peerIndex: b });
    expect(drift).toEqual([{ field: 'veth.peer', wanted: 've1', found: 'gone, or the end of another pair' }]);
    expect(operations).toEqual([gone('target', 've0', 3, mark), gone('peer', 've1', 4, farMark), ...made]);
  });

  test('re-made as another kind under our mark is recreated', () => {
    for (const [a, b] of [
      [{ ...near, kind: 'bridge' }, far],
      [near, { ...far, kind: 'bridge' }],
    ] as const) {
      const { drift, operations } = of(a, b);
      expect(drift).toEqual([{ field: 'kind', wanted: 'veth', found: 'bridge' }]);
      expect(operations).toEqual([gone('target', 've0', 3, mark), gone('peer', 've1', 4, farMark), ...made]);
    }
  });

  test('of somebody else is a conflict, whichever end is theirs', () => {
    const other = 'ifactor:other/netlinkinterface/y';
    for (const [a, b] of [
      [{ ...near, alias: other }, far],
      [near, { ...far, alias: other }],
      [{ ...near, kind: 'bridge', alias: null }, null],
    ] as const) {
      expect(of(a, b)).toMatchObject({ drift: [], operations: [], waiting: [], conflict: { reason: 'NameConflict' } });
    }
  });

  test("of which half is left that nobody marked is a conflict: it may be half of somebody's pair", () => {
    expect(of({ ...near, alias: null }, null)).toMatchObject({
      drift: [],
      operations: [],
      conflict: { reason: 'NameConflict' },
    });
    expect(of(null, { ...far, alias: null })).toMatchObject({
      drift: [],
      operations: [],
      conflict: { reason: 'NameConflict' },
    });
    expect(of({ ...near, peerIndex: 9 }, { ...far, alias: null })).toMatchObject({
      drift: [],
      operations: [],
      conflict: { reason: 'NameConflict', params: { name: 've1' } },
    });
  });
});
