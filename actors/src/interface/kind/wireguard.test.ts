import { describe, expect, test } from 'vitest';
import type { ObservedLink, ObservedPeer, ObservedWireGuard } from '@ifactor/crds';
import { publicKeyOf } from '@ifactor/common/wireguardKey';
import { address, difference, rulesFor, shown, wireguardKey as key } from '../../testing/rules.ts';
import type { Knowledge } from '../diff/rules.ts';
import { markOf } from '../diff/mark.ts';

const mark = markOf(key);
const container = { docker: { name: 'box' } };
const [own, one, two, three] = [1, 2, 3, 4].map((byte) => publicKeyOf(Buffer.alloc(32, byte))) as [
  string,
  string,
  string,
  string,
];
const secrets = { privateKey: own, [`psk:${one}`]: 'f00d' };
const written = { [one]: '192.0.2.1:51820', [two]: null };

const spec = {
  interfaceName: 'wg0',
  listenPort: 51820,
  fwmark: 7,
  mtu: 1400,
  addresses: [{ family: 'inet', local: '10.0.0.1', peer: '10.0.0.2', prefixlen: 32 }],
  peers: [
    {
      publicKey: one,
      endpoint: '192.0.2.1:51820',
      persistentKeepalive: 25,
      allowedIPs: ['10.0.0.0/24', 'FD00::1/64'],
      presharedKeySecretRef: { name: 's', key: 'k' },
    },
    { publicKey: two, allowedIPs: [] },
  ],
};
const moved = { ...spec, moveToContainer: true, container };
const peers: ObservedPeer[] = [
  {
    publicKey: one,
    presharedKey: 'f00d',
    endpoint: '192.0.2.1:51820',
    persistentKeepalive: 25,
    allowedIPs: ['fd00::/64', '10.0.0.0/24'],
  },
  { publicKey: two, presharedKey: null, endpoint: null, persistentKeepalive: 0, allowedIPs: [] },
];
const device: ObservedWireGuard = { publicKey: own, listenPort: 51820, fwmark: 7, peers };
const whole = shown({
  name: 'wg0',
  kind: 'wireguard',
  mtu: 1400,
  alias: mark,
  addresses: [address('10.0.0.1 -> 10.0.0.2/32')],
  wireguard: device,
});
const none = { drift: [], operations: [], waiting: [], conflict: null };

const at = (
  links: { home?: ObservedLink | null; target?: ObservedLink | null },
  wanted: object = spec,
  known: Partial<Knowledge> = {},
) => difference(key, wanted, { links }, { secrets, endpoints: written, ...known });
/** On the node, with these differences from what is declared. */
const home = (more: Partial<ObservedWireGuard>, wanted: object = spec, known: Partial<Knowledge> = {}) =>
  at({ home: { ...whole, wireguard: { ...device, ...more } } }, wanted, known);
/** The first peer, with these differences. */
const peer = (more: Partial<ObservedPeer>, wanted: object = {}, known: Partial<Knowledge> = {}) =>
  home(
    { peers: [{ ...(peers[0] as ObservedPeer), ...more }, peers[1] as ObservedPeer] },
    { ...spec, peers: [{ ...spec.peers[0], ...wanted }, spec.peers[1]] },
    known,
  );

const configured = (slot: string) => [
  { type: 'SetWireGuard', slot, name: 'wg0', change: { privateKey: own, listenPort: 51820, fwmark: 7 } },
  {
    type: 'SetPeer',
    slot,
    name: 'wg0',
    publicKey: one,
    change: {
      endpoint: '192.0.2.1:51820',
      persistentKeepalive: 25,
      presharedKey: 'f00d',
      allowedIPs: ['10.0.0.0/24', 'fd00::/64'],
    },
  },
  { type: 'SetPeer', slot, name: 'wg0', publicKey: two, change: {} },
];
const created = { type: 'CreateLink', slot: 'home', name: 'wg0', mark, link: { kind: 'wireguard' }, mtu: 1400 };
const placed = (slot: string) => [
  { type: 'AddAddress', slot, name: 'wg0', address: address('10.0.0.1 -> 10.0.0.2/32') },
  { type: 'ChangeLink', slot, name: 'wg0', change: { up: true, addrGenMode: 'none' } },
];
const taken = { type: 'MoveLink', from: 'home', slot: 'target', name: 'wg0' };
const removed = (slot: string, index = 7, more: object = {}) => ({
  type: 'RemoveLink',
  slot,
  name: 'wg0',
  index,
  mark,
  ...more,
});
const anew = { anew: ['kind'] };

describe('where it lives', () => {
  test('on the node it needs one place, in a container two, and a name only where it ends up', () => {
    const { rules, spec: onNode } = rulesFor(key, spec);
    expect(rules.places(onNode)).toEqual([{ slot: 'home', container: null }]);
    expect(rules.names(onNode)).toEqual([{ slot: 'home', name: 'wg0' }]);
    const away = rulesFor(key, moved).spec;
    expect(rules.places(away)).toEqual([
      { slot: 'home', container: null },
      { slot: 'target', container },
    ]);
    expect(rules.names(away)).toEqual([{ slot: 'target', name: 'wg0' }]);
    expect(rules.secrets(away)).toEqual(['privateKey', `psk:${one}`]);
    expect(rules.devices(away)).toEqual([]);
  });

  test('it is born, configured and only then moved and brought up', () => {
    expect(at({ home: null }, spec, { endpoints: {} })).toEqual({
      ...none,
      drift: [{ field: 'link', wanted: 'wg0', found: null }],
      operations: [created, ...configured('home'), ...placed('home')],
    });
    expect(at({ home: null, target: null }, moved, { endpoints: {} }).operations).toEqual([
      created,
      ...configured('home'),
      taken,
      ...placed('target'),
    ]);
  });

  test('without an mtu it has that of the old system', () => {
    const { mtu: _, ...rest } = spec;
    expect(at({ home: null }, rest).operations[0]).toMatchObject({ mtu: 1420 });
  });

  test('as declared it is left alone', () => {
    expect(at({ home: whole })).toEqual(none);
    expect(at({ home: null, target: whole }, moved)).toEqual(none);
    expect(home({ peers: peers.toReversed() })).toEqual(none);
  });

  test('half made at home, it is finished from there', () => {
    const half = { ...whole, up: false, addresses: [], mtu: 1420, wireguard: { ...device, fwmark: 0 } };
    const { drift, operations } = at({ home: half, target: null }, moved);
    expect(drift).toEqual([{ field: 'link', wanted: 'wg0', found: null }]);
    expect(operations).toEqual([
      { type: 'ChangeLink', slot: 'home', name: 'wg0', change: { mtu: 1400 } },
      { type: 'SetWireGuard', slot: 'home', name: 'wg0', change: { fwmark: 7 } },
      taken,
      ...placed('target'),
    ]);
    expect(
      at({ home: { ...half, mtu: 1400, alias: null, wireguard: device }, target: null }, moved).operations,
    ).toEqual([{ type: 'AdoptLink', slot: 'home', name: 'wg0', index: 7, mark }, taken, ...placed('target')]);
  });

  test("in place, with a left-over of ours at home, the left-over goes; another's stays", () => {
    expect(at({ home: { ...whole, index: 9 }, target: whole }, moved)).toEqual({
      ...none,
      drift: [{ field: 'link', wanted: null, found: 'wg0' }],
      operations: [removed('home', 9)],
    });
    expect(at({ home: { ...whole, alias: null }, target: whole }, moved)).toEqual(none);
  });

  test('re-made as another kind under our mark, it is recreated', () => {
    const bridge = shown({ name: 'wg0', kind: 'bridge', alias: mark });
    const { drift, operations } = at({ home: null, target: bridge }, moved, { endpoints: {} });
    expect(drift).toEqual([{ field: 'kind', wanted: 'wireguard', found: 'bridge' }]);
    expect(operations).toEqual([
      removed('target', 7, anew),
      created,
      ...configured('home'),
      taken,
      ...placed('target'),
    ]);
    expect(at({ home: bridge, target: null }, moved).operations.slice(0, 2)).toEqual([
      removed('home', 7, anew),
      created,
    ]);
    expect(at({ home: { ...whole, index: 9, up: false }, target: bridge }, moved).operations).toEqual([
      removed('target', 7, anew),
      taken,
      ...placed('target'),
    ]);
  });

  test("in place, but born in a netns that the agent left, it is recreated; another's link at home is in the way", () => {
    const known = { endpoints: {}, birth: '1', places: { home: { netns: '2' } } };
    const { drift, operations } = at({ home: null, target: whole }, moved, known);
    expect(drift).toEqual([{ field: 'birth', wanted: '2', found: '1' }]);
    expect(operations).toEqual([
      removed('target', 7, { anew: ['birth'] }),
      created,
      ...configured('home'),
      taken,
      ...placed('target'),
    ]);
    expect(at({ home: shown({ name: 'wg0', kind: 'bridge' }), target: whole }, moved, known)).toMatchObject({
      operations: [],
      conflict: { reason: 'NameConflict' },
    });
    for (const other of [{ places: { home: { netns: '1' } } }, { places: {} }, { birth: undefined as never }]) {
      expect(at({ home: null, target: whole }, moved, { ...known, ...other, endpoints: written })).toEqual(none);
    }
    expect(at({ home: whole }, spec, { ...known, endpoints: written })).toEqual(none);
    // What is not ours yet is taken as it is; and what we left at home is no hindrance.
    expect(
      at({ home: null, target: { ...whole, alias: null } }, moved, { ...known, endpoints: written }).operations,
    ).toMatchObject([{ type: 'AdoptLink' }]);
    expect(at({ home: { ...whole, index: 9 }, target: whole }, moved, known)).toMatchObject({
      drift: [{ field: 'birth' }],
      conflict: null,
    });
  });

  test('that is not there differs in that alone', () => {
    expect(at({ home: null }).drift).toEqual([{ field: 'link', wanted: 'wg0', found: null }]);
  });

  test("under another's mark or of another kind it is a conflict, at home as in place", () => {
    const bridge = shown({ name: 'wg0', kind: 'bridge' });
    for (const links of [
      { home: null, target: bridge },
      { home: bridge, target: null },
      { target: { ...whole, alias: 'ifactor:other/wireguardinterface/y' } },
    ]) {
      expect(at(links, moved)).toMatchObject({
        drift: [],
        operations: [],
        waiting: [],
        conflict: { reason: 'NameConflict' },
      });
    }
  });

  test('without a mark it is adopted, and its settings stay', () => {
    expect(at({ home: { ...whole, alias: null } }, spec, { endpoints: {} })).toEqual({
      ...none,
      drift: [{ field: 'alias', wanted: mark, found: null }],
      operations: [{ type: 'AdoptLink', slot: 'home', name: 'wg0', index: 7, mark }],
    });
  });

  test('link and device are healed together', () => {
    const { drift, operations } = at({ home: { ...whole, up: false, wireguard: { ...device, fwmark: 0 } } });
    expect(drift.map(({ field }) => field)).toEqual(['up', 'fwmark']);
    expect(operations.map(({ type }) => type)).toEqual(['ChangeLink', 'SetWireGuard']);
  });
});

describe('the device', () => {
  test.each([
    ['publicKey', { publicKey: two }, { privateKey: own }, own, two],
    ['publicKey', { publicKey: null }, { privateKey: own }, own, null],
    ['listenPort', { listenPort: 1 }, { listenPort: 51820 }, 51820, 1],
    ['fwmark', { fwmark: 0 }, { fwmark: 7 }, 7, 0],
  ] as const)('has its %s set back from %o', (field, undone, change, wanted, found) => {
    expect(home(undone)).toEqual({
      ...none,
      drift: [{ field, wanted, found }],
      operations: [{ type: 'SetWireGuard', slot: 'home', name: 'wg0', change }],
    });
  });

  test('keeps the port that the kernel chose, where none is declared', () => {
    const free = { ...spec, listenPort: 0 };
    expect(home({ listenPort: 4711 }, free)).toEqual(none);
    expect(home({ listenPort: 4712 }, free, { listenPort: 4711 }).operations).toMatchObject([
      { change: { listenPort: 4711 } },
    ]);
    expect(home({ listenPort: 4711 }, spec, { listenPort: 4711 }).operations).toMatchObject([
      { change: { listenPort: 51820 } },
    ]);
  });

  test('keeps a key that nobody knows here, and loses a mark that nobody declared', () => {
    expect(home({ publicKey: two }, spec, { secrets: { [`psk:${one}`]: 'f00d' } })).toEqual(none);
    const { fwmark: _, ...rest } = spec;
    expect(home({}, rest).operations).toMatchObject([{ change: { fwmark: 0 } }]);
    expect(home({ fwmark: 0 }, rest)).toEqual(none);
  });
});

describe('peers', () => {
  test('that are missing are added, those that nobody declared removed, one by one', () => {
    const foreign = { publicKey: three, presharedKey: null, endpoint: null, persistentKeepalive: 0, allowedIPs: [] };
    expect(home({ peers: [peers[0] as ObservedPeer, foreign] })).toEqual({
      ...none,
      drift: [
        { field: 'peers', wanted: null, found: three },
        { field: 'peers', wanted: two, found: null },
      ],
      operations: [
        { type: 'RemovePeer', slot: 'home', name: 'wg0', publicKey: three },
        { type: 'SetPeer', slot: 'home', name: 'wg0', publicKey: two, change: {} },
      ],
    });
  });

  test.each([
    ['persistentKeepalive', { persistentKeepalive: 5 }, 25, 5],
    ['presharedKey', { presharedKey: null }, 'f00d', null],
    ['presharedKey', { presharedKey: 'beef' }, 'f00d', 'beef'],
    ['allowedIPs', { allowedIPs: ['10.0.0.0/24'] }, ['10.0.0.0/24', 'fd00::/64'], ['10.0.0.0/24']],
    [
      'allowedIPs',
      { allowedIPs: ['10.0.0.0/24', 'fd01::/64'] },
      ['10.0.0.0/24', 'fd00::/64'],
      ['10.0.0.0/24', 'fd01::/64'],
    ],
    ['endpoint', { endpoint: null }, '192.0.2.1:51820', null],
  ] as const)('have their %s set back from %o, and nothing else', (field, undone, wanted, found) => {
    expect(peer(undone)).toEqual({
      ...none,
      drift: [{ field: `peers[${one}].${field}`, wanted, found }],
      operations: [{ type: 'SetPeer', slot: 'home', name: 'wg0', publicKey: one, change: { [field]: wanted } }],
    });
  });

  test('lose a preshared key and a keepalive that are no longer declared', () => {
    expect(peer({}, { presharedKeySecretRef: undefined, persistentKeepalive: undefined }).operations).toMatchObject([
      { change: { presharedKey: null, persistentKeepalive: 0 } },
    ]);
  });

  test('that list one network twice leave it to the last, as the kernel does', () => {
    const both = {
      ...spec,
      peers: [
        { publicKey: one, allowedIPs: ['10.0.0.9/24', '10.0.0.1/24', 'fd00::/64'] },
        { publicKey: two, allowedIPs: ['10.0.0.0/24'] },
      ],
    };
    const { operations } = at({ home: null }, both);
    expect(operations.filter(({ type }) => type === 'SetPeer')).toMatchObject([
      { change: { allowedIPs: ['fd00::/64'] } },
      { change: { allowedIPs: ['10.0.0.0/24'] } },
    ]);
    const alone = { ...spec, peers: [{ publicKey: one, allowedIPs: ['10.0.0.9/24', '10.0.0.1/24'] }] };
    expect(at({ home: null }, alone).operations.filter(({ type }) => type === 'SetPeer')).toMatchObject([
      { change: { allowedIPs: ['10.0.0.0/24'] } },
    ]);
  });
});

describe('the endpoint of a peer', () => {
  const roamed = { endpoint: '198.51.100.7:4000' };

  test('that roamed is kept, until the spec names another', () => {
    expect(peer(roamed)).toEqual(none);
    expect(peer(roamed, {}, { endpoints: {} })).toEqual(none);
    expect(peer(roamed, { endpoint: '192.0.2.2:1' }).operations).toMatchObject([
      { change: { endpoint: '192.0.2.2:1' } },
    ]);
  });

  test('that leads nowhere is put back', () => {
    expect(peer({ ...roamed, stale: true })).toMatchObject({
      drift: [{ field: `peers[${one}].endpoint`, wanted: '192.0.2.1:51820', found: roamed.endpoint }],
      operations: [{ change: { endpoint: '192.0.2.1:51820' } }],
    });
  });

  test('that has no address now is not asked for again before its time', () => {
    expect(peer({ endpoint: null }, { endpoint: 'vpn.example:1' }, { unresolved: { [one]: 'vpn.example:1' } })).toEqual(
      none,
    );
    expect(
      peer({ endpoint: null }, { endpoint: 'vpn.example:2' }, { unresolved: { [one]: 'vpn.example:1' } }).operations,
    ).toMatchObject([{ change: { endpoint: 'vpn.example:2' } }]);
  });

  test('that is no longer declared goes with the peer, which comes back without', () => {
    const change = { persistentKeepalive: 25, presharedKey: 'f00d', allowedIPs: ['10.0.0.0/24', 'fd00::/64'] };
    expect(peer({}, { endpoint: undefined })).toEqual({
      ...none,
      drift: [{ field: `peers[${one}].endpoint`, wanted: null, found: '192.0.2.1:51820' }],
      operations: [
        { type: 'RemovePeer', slot: 'home', name: 'wg0', publicKey: one },
        { type: 'SetPeer', slot: 'home', name: 'wg0', publicKey: one, change },
      ],
    });
    // What the peer told by itself was never ours to take.
    expect(peer({}, { endpoint: undefined }, { endpoints: { [one]: null } })).toEqual(none);
    expect(peer({ endpoint: null }, { endpoint: undefined })).toEqual(none);
  });
});
