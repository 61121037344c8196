import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KernelError } from '../kernel/index.ts';
import { MemoryKernel } from '../testing/memory/kernel.ts';
import { publicKeyOf } from '@ifactor/common/wireguardKey';
import type { Link, Netns, WireGuardDevice } from '../kernel/index.ts';
import { address, rulesFor, netlinkKey, wireguardKey } from '../testing/rules.ts';
import { pskFingerprint } from '../interface/diff/fingerprint.ts';
import { linkIndexOf } from './linkIndex.ts';
import { markOf } from '../interface/diff/mark.ts';
import { hasMovedLink, observe } from './observe.ts';

const container = { docker: { name: 'box' } };
let kernel: MemoryKernel;
let box: Netns;
let far: Netns;
let home: Netns;

beforeEach(async () => {
  kernel = new MemoryKernel();
  for (const path of ['/box', '/far', '/home']) kernel.addNetns(path);
  [box, far, home] = [await kernel.open('/box'), await kernel.open('/far'), await kernel.open('/home')];
});
afterEach(() => kernel.close());

type Surroundings = {
  key?: typeof netlinkKey;
  places?: { target?: Netns; peer?: Netns; home?: Netns };
  all?: Netns[];
  tell?: Parameters<typeof observe>[5];
};

/** What is seen of the object with this spec, in the target `box`, with the far end in `far` and the birth in `home`. */
async function seen(
  spec: object,
  { key = netlinkKey, places = { target: box, peer: far, home }, all = [box, far, home], tell }: Surroundings = {},
) {
  for (const netns of [box, far, home]) await netns.barrier();
  const { rules, spec: read } = rulesFor(key, spec);
  return observe(key, rules, read, places, all, tell);
}
const make = async (netns: Netns, link: Parameters<Netns['createLink']>[0], alias: string | null = null) => {
  await netns.createLink(link);
  await netns.barrier();
  const index = netns.link(link.name)?.index ?? 0;
  if (alias !== null) await netns.changeLink(index, { alias });
  await netns.barrier();
  return index;
};
const mark = markOf(netlinkKey);
const dummy = { interfaceName: 'x0', type: 'dummy', up: true, container };

test('a slave that a link of another resource has is told with that link; one that anybody else has is not', async () => {
  const theirs = await make(box, { kind: 'bridge', name: 'br1' }, 'ifactor:team/netlinkinterface/b1');
  const ours = await make(box, { kind: 'bridge', name: 'br0' }, mark);
  const loose = await make(box, { kind: 'bridge', name: 'br2' });
  for (const [name, master] of [
    ['p0', theirs],
    ['p1', ours],
    ['p2', loose],
  ] as const) {
    await make(box, { kind: 'dummy', name });
    await box.changeLink(box.link(name)!.index, { master });
  }
  const slaves = ['p0', 'p1', 'p2', 'p3'];
  const { taken } = await seen({ interfaceName: 'br0', type: 'bridge', up: true, container, bridge: { slaves } });
  expect(taken).toEqual({ p0: { master: 'br1', owner: 'netlinkinterface team/b1' } });
});

describe('of a link', () => {
  test('that is missing, null is shown; of a place that is closed, nothing', async () => {
    expect(await seen(dummy)).toEqual({ links: { target: null }, strays: [], devices: {} });
    expect(await seen(dummy, { places: {} })).toEqual({ links: {}, strays: [], devices: {} });
  });

  test('all that decisions depend on is shown, addresses in one order', async () => {
    const index = await make(box, { kind: 'dummy', name: 'x0', mtu: 1400 }, 'mine');
    await box.changeLink(index, { addrGenMode: 'none', up: true });
    for (const text of ['10.0.0.2/24', 'fd00::1/64', '10.0.0.1/24']) await box.addAddress(index, address(text));
    const { links } = await seen(dummy);
    expect(links).toEqual({
      target: {
        index,
        name: 'x0',
        kind: 'dummy',
        up: true,
        mtu: 1400,
        alias: 'mine',
        addrGenMode: 'none',
        addresses: ['10.0.0.1/24', '10.0.0.2/24', 'fd00::1/64'].map(address),
      },
    });
  });

  test('the one with the mark comes before the one with the name', async () => {
    await make(box, { kind: 'dummy', name: 'x0' });
    const index = await make(box, { kind: 'dummy', name: 'renamed0' }, mark);
    expect((await seen(dummy)).links.target).toMatchObject({ index, name: 'renamed0' });
  });

  test('with the mark where none belongs, it is a stray, once', async () => {
    const inPlace = await make(box, { kind: 'dummy', name: 'x0' }, mark);
    const lost = await make(home, { kind: 'dummy', name: 'x0' }, mark);
    const peer = await make(far, { kind: 'dummy', name: 'y0' }, markOf(netlinkKey, 'peer'));
    await make(far, { kind: 'dummy', name: 'z0' }, 'ifactor:other/netlinkinterface/y');
    const { links, strays } = await seen(dummy);
    expect(links.target?.index).toBe(inPlace);
    expect(strays).toEqual([
      { netns: far.id, index: peer, name: 'y0' },
      { netns: home.id, index: lost, name: 'x0' },
    ]);
  });
});

describe('of what a kind has besides', () => {
  test('the slaves of a bridge, by name, and which of those wanted exist', async () => {
    const index = await make(box, { kind: 'bridge', name: 'x0' });
    for (const name of ['b', 'a', 'c'])
      await make(box, { kind: 'dummy', name, ...(name === 'c' ? {} : { master: index }) });
    const { links, devices } = await seen({ ...dummy, type: 'bridge', bridge: { slaves: ['a', 'gone'] } });
    expect(links.target?.slaves).toEqual(['a', 'b']);
    expect(devices).toEqual({ a: true, gone: false });
    expect((await seen({ ...dummy, type: 'bridge', bridge: { slaves: ['a'] } }, { places: {} })).devices).toEqual({
      a: false,
    });
  });

  test('the other end of a veth, and each end in its place', async () => {
    await make(box, { kind: 'veth', name: 'x0', peer: { name: 'x1', netns: far } });
    const { links, strays } = await seen({ ...dummy, type: 'veth', veth: { peer: { interfaceName: 'x1' } } });
    await far.barrier();
    expect(links.target?.peerIndex).toBe(far.link('x1')?.index);
    expect(links.peer).toMatchObject({ name: 'x1', peerIndex: box.link('x0')?.index });
    expect(links.target).not.toHaveProperty('slaves');
    expect(strays).toEqual([]);
  });

  test('each end of a veth by its own mark', async () => {
    await make(box, { kind: 'veth', name: 'r0', peer: { name: 'r1', netns: far } }, mark);
    await far.barrier();
    await far.changeLink(far.link('r1')?.index ?? 0, { alias: markOf(netlinkKey, 'peer') });
    const { links, strays } = await seen({ ...dummy, type: 'veth', veth: { peer: { interfaceName: 'x1' } } });
    expect([links.target?.name, links.peer?.name]).toEqual(['r0', 'r1']);
    expect(strays).toEqual([]);
  });

  test('a far end where the near one belongs, which is a stray', async () => {
    await make(box, { kind: 'dummy', name: 'x0' }, mark);
    const index = await make(box, { kind: 'dummy', name: 'x1' }, markOf(netlinkKey, 'peer'));
    const { strays } = await seen({ ...dummy, type: 'veth', veth: { peer: { interfaceName: 'x1' } } });
    expect(strays).toEqual([{ netns: box.id, index, name: 'x1' }]);
  });

  test("a vxlan's attributes, its device by name", async () => {
    const under = await make(box, { kind: 'dummy', name: 'under0' });
    await make(box, { kind: 'vxlan', name: 'x0', vxlan: { vni: 9, link: under, portRange: [4000, 5000], ageing: 0 } });
    const spec = { ...dummy, type: 'vxlan', vxlan: { vni: 9, dev: 'under0' } };
    expect(await seen(spec)).toMatchObject({
      links: { target: { vxlan: { vni: 9, dev: 'under0', portRange: [4000, 5000], ageing: false } } },
      devices: { under0: true },
    });
    await box.deleteLink(box.link('x0')?.index ?? 0);
    await make(box, { kind: 'vxlan', name: 'x0', vxlan: { vni: 9 } });
    expect((await seen(spec)).links.target?.vxlan).toMatchObject({ dev: null, portRange: null, ageing: true });
    expect((await seen(spec)).links.target?.vxlan).not.toHaveProperty('link');
  });
});

describe('of a WireGuard device', () => {
  const spec = { interfaceName: 'wg0', peers: [] };
  const [privateKey, psk] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
  const [one, two, three] = [3, 4, 5]
    .map((byte) => publicKeyOf(Buffer.alloc(32, byte)))
    .toSorted((a, b) => (a < b ? -1 : 1)) as [string, string, string];

  test('no key is shown: public key and fingerprints are, in one order', async () => {
    await make(home, { kind: 'wireguard', name: 'wg0' });
    await home.wireguard.set('wg0', {
      privateKey,
      listenPort: 51820,
      fwmark: 7,
      peers: [
        {
          publicKey: two,
          presharedKey: psk,
          endpoint: { host: 'fd00::9', port: 1 },
          persistentKeepalive: 25,
          allowedIPs: ['10.1.0.0/24', '10.0.0.0/24'],
        },
        { publicKey: three },
        { publicKey: one },
      ],
    });
    const told: Omit<WireGuardDevice, 'privateKey'>[] = [];
    const observed = await seen(spec, { key: wireguardKey, tell: (device) => told.push(device) });
    expect(observed.links.home?.wireguard).toEqual({
      publicKey: publicKeyOf(privateKey),
      listenPort: 51820,
      fwmark: 7,
      peers: [
        { publicKey: one, presharedKey: null, endpoint: null, persistentKeepalive: 0, allowedIPs: [] },
        {
          publicKey: two,
          presharedKey: pskFingerprint(psk),
          endpoint: '[fd00::9]:1',
          persistentKeepalive: 25,
          allowedIPs: ['10.0.0.0/24', '10.1.0.0/24'],
        },
        { publicKey: three, presharedKey: null, endpoint: null, persistentKeepalive: 0, allowedIPs: [] },
      ],
    });
    expect(told).toHaveLength(1);
    expect(told[0]).not.toHaveProperty('privateKey');
    expect(told[0]).toMatchObject({
      publicKey: publicKeyOf(privateKey),
      peers: [{ presharedKey: null }, { presharedKey: null }, { presharedKey: null }],
    });
  });

  test('that was renamed a moment ago, it is asked for again; one that is gone is null', async () => {
    const index = await make(home, { kind: 'wireguard', name: 'wg0' }, markOf(wireguardKey));
    await home.barrier();
    // As the cache is before the notification has come.
    let shows = (): Link | undefined => ({ ...(home.linkAt(index) as Link), name: 'old0' });
    const stale = new Proxy(home, {
      get: (target, name: keyof Netns) => {
        const value: unknown = name === 'link' ? () => shows() : target[name];
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const { rules, spec: read } = rulesFor(wireguardKey, spec);
    const look = () => observe({ ...wireguardKey, name: 'no-mark' }, rules, read, { home: stale }, []);
    expect((await look()).links.home?.wireguard?.peers).toEqual([]);
    for (const [code, asksAgain] of [
      ['EPERM', false],
      ['ENOENT', true],
      ['ENODEV', true],
    ] as const) {
      const refused = new KernelError(code, 'read');
      const wireguard = {
        ...home.wireguard,
        get: (name: string) => (name === 'old0' ? Promise.reject(refused) : home.wireguard.get(name)),
      };
      const at = new Proxy(stale, {
        get: (target, name: keyof Netns) => (name === 'wireguard' ? wireguard : target[name]),
      });
      const looked = observe({ ...wireguardKey, name: 'no-mark' }, rules, read, { home: at }, []);
      if (asksAgain) expect((await looked).links.home?.wireguard?.peers).toEqual([]);
      else await expect(looked).rejects.toBe(refused);
    }
    // Under the name that it has in the cache it cannot be read: that is not for us to explain away.
    shows = () => home.linkAt(index);
    const refused = new KernelError('ENOENT', 'read');
    const broken = new Proxy(stale, {
      get: (target, name: keyof Netns) =>
        name === 'wireguard' ? { get: () => Promise.reject(refused) } : target[name],
    });
    await expect(observe({ ...wireguardKey, name: 'no-mark' }, rules, read, { home: broken }, [])).rejects.toBe(
      refused,
    );
    const gone = home.linkAt(index);
    await home.deleteLink(index);
    await home.barrier();
    shows = () => gone;
    expect((await look()).links.home).toBeNull();
  });
});

test('a preshared key and its fingerprint lead to each other in one direction only', () => {
  expect(pskFingerprint(Buffer.alloc(32, 1))).toMatch(/^[0-9a-f]{16}$/);
  expect(pskFingerprint(Buffer.alloc(32, 1))).not.toBe(pskFingerprint(Buffer.alloc(32, 2)));
  expect(pskFingerprint(Buffer.alloc(32, 1))).toBe(pskFingerprint(new Uint8Array(32).fill(1)));
  // Fingerprints stand in journals and statuses: another digest would make every recorded key look replaced.
  expect(pskFingerprint(Buffer.alloc(32))).toBe('6055307b3f13a9bf');
});

describe('lookup', () => {
  test('follows marks and masters as they change', async () => {
    const bridge = await make(box, { kind: 'bridge', name: 'br0' });
    const one = await make(box, { kind: 'dummy', name: 'd1', master: bridge }, 'ifactor:a');
    const found = linkIndexOf(box);
    expect(linkIndexOf(box)).toBe(found);
    expect(found.marked('ifactor:a')?.index).toBe(one);
    expect(found.slaves(bridge)).toEqual(['d1']);
    expect(found.slaves(one)).toEqual([]);
    const two = await make(box, { kind: 'dummy', name: 'd0', master: bridge }, 'ifactor:a');
    await box.barrier();
    // Of two links with one mark, the one that came last.
    expect(found.marked('ifactor:a')?.index).toBe(two);
    expect(found.slaves(bridge)).toEqual(['d0', 'd1']);
    await box.changeLink(one, { alias: 'ifactor:b', master: null });
    await box.barrier();
    expect([found.marked('ifactor:a')?.index, found.marked('ifactor:b')?.index]).toEqual([two, one]);
    expect(found.slaves(bridge)).toEqual(['d0']);
    await box.deleteLink(two);
    await box.barrier();
    expect(found.marked('ifactor:a')).toBeUndefined();
    expect(found.slaves(bridge)).toEqual([]);
    await box.changeLink(one, { alias: null, name: 'renamed0', master: bridge });
    await box.barrier();
    expect(found.marked('ifactor:b')).toBeUndefined();
    expect(found.slaves(bridge)).toEqual(['renamed0']);
    expect(found.marked('ifactor:never')).toBeUndefined();
    await box.deleteLink(one);
    await box.barrier();
    expect(found.slaves(bridge)).toEqual([]);
  });
});

const checked = (flags: Record<string, string[]>) =>
  Object.entries(flags).map(([local, its]) => ({
    family: 'inet6' as const,
    local,
    peer: null,
    prefixlen: 64,
    noPrefixRoute: false,
    flags: its,
  }));

/** The link x0 as it is observed where its addresses have these flags; `reread` is what happens when it is read again. */
async function addressCheck(flags: Record<string, string[]>, { up = true, carrier = true, appears = false } = {}) {
  const index = await make(box, { kind: 'dummy', name: 'x0' }, mark);
  if (up) await box.changeLink(index, { up: true });
  await box.barrier();
  let shown = carrier;
  let reads = 0;
  const overridden: Partial<Netns> = {
    addresses: () => checked(flags) as never,
    links: () => [...box.links()].map(asShown),
    link: (name) => asShown(box.link(name)!),
    linkAt: (at) => asShown(box.linkAt(at)!),
    reread: () => {
      reads++;
      shown ||= appears;
      return Promise.resolve();
    },
  };
  function asShown(link: Link): Link {
    return link && { ...link, flags: shown ? link.flags : link.flags.filter((flag) => flag !== 'LOWER_UP') };
  }
  const target = new Proxy(box, {
    get(of, name) {
      const own: unknown = Reflect.get(overridden, name) ?? Reflect.get(of, name, of);
      return typeof own === 'function' ? (own as (...args: never[]) => unknown).bind(of) : own;
    },
  });
  const { links } = await seen(dummy, { places: { target, home }, all: [target] });
  const { tentative, duplicate } = links['target']!;
  return { tentative, duplicate, reads };
}

describe('addresses that the kernel checks for duplicates', () => {
  test('are tentative for so long; one that is used meanwhile is not, one that failed is a duplicate', async () => {
    const { tentative, duplicate, reads } = await addressCheck({
      '2001:db8::3': ['tentative'],
      '2001:db8::1': ['tentative'],
      '2001:db8::2': ['permanent'],
      '2001:db8::4': ['tentative', 'optimistic'],
      '2001:db8::5': ['tentative', 'dadFailed'],
    });
    expect(tentative).toEqual(['2001:db8::1', '2001:db8::3']);
    expect(duplicate).toEqual(['2001:db8::5']);
    expect(reads).toBe(0);
  });

  test('are not mentioned where there is nothing to say', async () => {
    expect(await addressCheck({ '2001:db8::1': ['permanent'] })).toEqual({
      tentative: undefined,
      duplicate: undefined,
      reads: 0,
    });
  });

  test('are waited for only with carrier, which is asked for again', async () => {
    const without = await addressCheck({ '2001:db8::1': ['tentative'] }, { carrier: false });
    expect(without).toEqual({ tentative: undefined, duplicate: undefined, reads: 1 });
  });

  test('are waited for where carrier came late', async () => {
    const late = await addressCheck({ '2001:db8::1': ['tentative'] }, { carrier: false, appears: true });
    expect(late).toEqual({ tentative: ['2001:db8::1'], duplicate: undefined, reads: 1 });
  });

  test('are no reason to read a link again that is down, or has none that is tentative', async () => {
    expect((await addressCheck({ '2001:db8::1': ['tentative'] }, { up: false, carrier: false })).reads).toBe(0);
  });

  test('are no reason to read a link again that has checked them', async () => {
    expect((await addressCheck({ '2001:db8::1': ['permanent'] }, { carrier: false })).reads).toBe(0);
  });
});

test('a link that somebody moved is known by its mark and its MAC address together', async () => {
  await make(far, { kind: 'dummy', name: 'x0' }, mark);
  const mac = far.link('x0')!.mac!;
  expect(hasMovedLink(far, netlinkKey, new Set([mac]))).toBe(true);
  expect(hasMovedLink(far, netlinkKey, new Set(['02:00:00:00:00:99']))).toBe(false);
  expect(hasMovedLink(box, netlinkKey, new Set([mac]))).toBe(false);
  expect(hasMovedLink(far, { ...netlinkKey, name: 'other' }, new Set([mac]))).toBe(false);
});

test('the far end of a pair is known by its own mark', async () => {
  await make(far, { kind: 'dummy', name: 'x1' }, markOf(netlinkKey, 'peer'));
  expect(hasMovedLink(far, netlinkKey, new Set([far.link('x1')!.mac!]))).toBe(true);
});
