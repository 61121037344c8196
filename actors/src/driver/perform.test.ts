import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { KernelOperation } from '@ifactor/crds';
import { KernelError } from '../kernel/index.ts';
import { MemoryKernel } from '../testing/memory/kernel.ts';
import { publicKeyOf } from '@ifactor/common/wireguardKey';
import type { Netns } from '../kernel/index.ts';
import { address } from '../testing/rules.ts';
import { pskFingerprint } from '../interface/diff/fingerprint.ts';
import { perform } from './perform.ts';
import type { Hands } from './perform.ts';

const mark = 'ifactor:default/netlinkinterface/x1';
const slot = 'target';
const secret = Buffer.alloc(32, 5);
const publicKey = publicKeyOf(Buffer.alloc(32, 6));

let kernel: MemoryKernel;
let box: Netns;
let far: Netns;
let home: Netns;
let hands: Hands;
let resolved: { [host: string]: string };

beforeEach(async () => {
  kernel = new MemoryKernel();
  for (const path of ['/box', '/far', '/home']) kernel.addNetns(path);
  [box, far, home] = [await kernel.open('/box'), await kernel.open('/far'), await kernel.open('/home')];
  resolved = { 'vpn.example': '192.0.2.9' };
  hands = {
    netns: (wanted) => ({ target: box, peer: far, home })[wanted],
    netnsById: (id) => [box, far, home].find((netns) => netns.id === id),
    secret: (fingerprint) => {
      if (fingerprint === publicKeyOf(secret) || fingerprint === pskFingerprint(secret)) return secret;
      throw new Error(`no secret ${fingerprint}`);
    },
    address: async (host) => resolved[host] ?? Promise.reject(new Error('ENOTFOUND')),
  };
});
afterEach(() => kernel.close());

const act = (operation: KernelOperation) => perform(operation, hands);
const make = (link: (KernelOperation & { type: 'CreateLink' })['link'], more: object = {}) =>
  act({ type: 'CreateLink', slot, name: 'x0', mark, up: true, link, ...more });
/** `box`, where one request fails. */
const failing = (request: keyof Netns, error: KernelError): Netns => {
  return new Proxy(box, {
    get: (target, name: keyof Netns) => {
      if (name === request) return () => Promise.reject(error);
      const value: unknown = target[name];
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
};
/** The link as it is once everything asked for has arrived. */
async function there(name = 'x0', netns = box) {
  await netns.barrier();
  return netns.link(name);
}
const index = async () => (await there())?.index ?? 0;
const set = (change: (KernelOperation & { type: 'SetPeer' })['change']) =>
  act({ type: 'SetPeer', slot: 'home', name: 'wg0', publicKey, change });
const peers = async () => (await home.wireguard.get('wg0')).peers;

describe('CreateLink', () => {
  test('makes a link that bears its mark, makes no addresses of its own, and is up', async () => {
    const [done] = await make({ kind: 'dummy' }, { mtu: 1400 });
    const link = await there();
    expect(link).toMatchObject({ kind: 'dummy', alias: mark, addrGenMode: 'none', up: true, mtu: 1400 });
    expect(done).toEqual({ type: 'LinkCreated', data: { slot, name: 'x0', index: link?.index, mac: link?.mac } });
  });

  test('marks a link whose packets are too small for IPv6', async () => {
    await make({ kind: 'bridge' }, { mtu: 1000 });
    expect(await there()).toMatchObject({ alias: mark, up: true, mtu: 1000 });
    await act({ type: 'ChangeLink', slot, name: 'x0', change: { up: true, addrGenMode: 'none' } });
  });

  test.each(['bridge', 'dummy'] as const)('leaves no %s without a mark', async (kind) => {
    const netns = failing('changeLink', new KernelError('ENOMEM', 'change x0'));
    hands.netns = () => netns;
    await expect(make({ kind })).rejects.toMatchObject({ code: 'ENOMEM' });
    expect(await there()).toBeUndefined();
  });

  test('leaves no end of a veth without a mark', async () => {
    const refused = new KernelError('ENOMEM', 'change x1');
    const netns = (wanted: Parameters<Hands['netns']>[0]): Netns => ({ target: box, peer: far, home })[wanted];
    const broken = new Proxy(far, {
      get: (target, name: keyof Netns) => {
        if (name === 'changeLink') return () => Promise.reject(refused);
        const value: unknown = target[name];
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    hands.netns = (wanted) => (wanted === 'peer' ? broken : netns(wanted));
    await expect(make({ kind: 'veth', peer: 'x1' })).rejects.toThrow('change x1');
    expect([await there(), await there('x1', far)]).toEqual([undefined, undefined]);
  });

  test('keeps a link that is marked and cannot come up', async () => {
    await act({ type: 'CreateLink', slot, name: 'low0', mark, up: false, link: { kind: 'dummy' } });
    const vlan = { dev: 'low0', id: 5, protocol: '802.1Q' } as const;
    await expect(make({ kind: 'vlan', vlan })).rejects.toMatchObject({ code: 'ENETDOWN' });
    expect(await there()).toMatchObject({ kind: 'vlan', up: false });
  });

  test('keeps a link that was there and cannot be marked', async () => {
    await box.createLink({ kind: 'bridge', name: 'x0' });
    const netns = failing('changeLink', new KernelError('ENOMEM', 'change x0'));
    hands.netns = () => netns;
    await expect(make({ kind: 'bridge' })).rejects.toMatchObject({ code: 'ENOMEM' });
    expect(await there()).toMatchObject({ kind: 'bridge', alias: null });
  });

  test('leaves down what is not asked to be up, and the mtu to the kernel', async () => {
    await make({ kind: 'bridge' }, { up: false });
    expect(await there()).toMatchObject({ kind: 'bridge', up: false, mtu: 1500 });
    await act({ type: 'CreateLink', slot: 'home', name: 'wg0', mark, link: { kind: 'wireguard' } });
    expect(await there('wg0', home)).toMatchObject({ kind: 'wireguard', up: false, alias: mark });
  });

  test('makes both ends of a veth where they belong, each with its mark', async () => {
    await make({ kind: 'veth', peer: 'x1' }, { mtu: 1300 });
    const [a, b] = [await there(), await there('x1', far)];
    expect(a).toMatchObject({ kind: 'veth', alias: mark, up: true, mtu: 1300, peerIndex: b?.index });
    expect(b).toMatchObject({
      kind: 'veth',
      alias: `${mark}#peer`,
      addrGenMode: 'none',
      up: true,
      mtu: 1300,
      peerIndex: a?.index,
    });
  });

  test('tells both MAC addresses, and recreates a link with those that it had', async () => {
    const [mac, farMac] = ['02:00:00:00:00:0a', '02:00:00:00:00:0b'];
    const [done] = await make({ kind: 'veth', peer: 'x1' }, { mac, farMac });
    expect([(await there())?.mac, (await there('x1', far))?.mac]).toEqual([mac, farMac]);
    expect(done).toEqual({
      type: 'LinkCreated',
      data: { slot, name: 'x0', index: (await there())?.index, mac, farMac },
    });
    const [other] = await act({ type: 'CreateLink', slot, name: 'br0', mark, up: true, link: { kind: 'bridge' } });
    expect(other?.data).toMatchObject({ mac: (await there('br0'))?.mac });
  });

  test('makes both ends of a veth in one netns', async () => {
    hands.netns = () => box;
    await make({ kind: 'veth', peer: 'x1' });
    expect(await there('x1')).toMatchObject({ alias: `${mark}#peer`, peerIndex: (await there())?.index });
  });

  const attributes = {
    vni: 9,
    dev: null,
    local: '10.0.0.1',
    group: '10.0.0.2',
    port: 4790,
    portRange: [4000, 5000] as [number, number],
    tos: 4,
    ttl: 9,
    learning: false,
    ageing: false,
    proxy: true,
  };

  test('makes a vxlan with its attributes', async () => {
    await make({ kind: 'vxlan', vxlan: attributes });
    const { dev: _, ...rest } = attributes;
    expect((await there())?.vxlan).toEqual({ ...rest, link: null, ageing: 0 });
  });

  test("makes a vxlan over its device, and with the kernel's choices", async () => {
    await box.createLink({ kind: 'dummy', name: 'under0' });
    const under = await there('under0');
    await make({ kind: 'vxlan', vxlan: { ...attributes, dev: 'under0', portRange: null, ageing: true } });
    expect((await there())?.vxlan).toMatchObject({ link: under?.index, portRange: [0, 0], ageing: 300 });
  });

  test('says which device a vxlan lacks', async () => {
    await expect(make({ kind: 'vxlan', vxlan: { ...attributes, dev: 'gone0' } })).rejects.toMatchObject({
      code: 'ENODEV',
      message: expect.stringContaining('create vxlan over gone0') as string,
    });
  });

  test('adopts what an earlier run made and could not mark', async () => {
    await box.createLink({ kind: 'bridge', name: 'x0' });
    await make({ kind: 'bridge' });
    expect(await there()).toMatchObject({ alias: mark, up: true });
    const before = await there();
    await make({ kind: 'bridge' });
    expect(await there()).toEqual(before);
  });

  test('touches nothing of another kind or owner', async () => {
    await box.createLink({ kind: 'bridge', name: 'x0' });
    await expect(make({ kind: 'dummy' })).rejects.toMatchObject({ code: 'EEXIST' });
    expect(await there()).toMatchObject({ kind: 'bridge', alias: null });
    await box.changeLink((await there())?.index ?? 0, { alias: 'ifactor:other/netlinkinterface/y' });
    await expect(make({ kind: 'bridge' })).rejects.toMatchObject({ code: 'EEXIST' });
    expect(await there()).toMatchObject({ alias: 'ifactor:other/netlinkinterface/y', up: false });
  });

  test('of whose two names one is taken is not there', async () => {
    await far.createLink({ kind: 'dummy', name: 'y0' });
    await expect(make({ kind: 'veth', peer: 'y0' })).rejects.toMatchObject({ code: 'EEXIST' });
    expect(await there()).toBeUndefined();
  });

  test('takes over nothing where the kernel refuses for another reason than its being there', async () => {
    await box.createLink({ kind: 'dummy', name: 'x0' });
    box = failing('createLink', new KernelError('EPERM', 'create dummy x0'));
    await expect(make({ kind: 'dummy' })).rejects.toMatchObject({ code: 'EPERM' });
    expect(await there()).toMatchObject({ alias: null });
  });

  test('hands on what the kernel refuses', async () => {
    await kernel.close();
    kernel = new MemoryKernel({ unsupported: ['dummy'] });
    kernel.addNetns('/box');
    box = await kernel.open('/box');
    await expect(make({ kind: 'dummy' })).rejects.toMatchObject({ code: 'EOPNOTSUPP' });
  });
});

describe('on a link that is there', () => {
  beforeEach(async () => {
    await make({ kind: 'bridge' });
  });

  test('one that is in the cache is not asked for', async () => {
    await there();
    box = failing('barrier', new KernelError('ETIMEDOUT', 'wait'));
    await act({ type: 'ChangeLink', slot, name: 'x0', change: { mtu: 1300 } });
    await expect(act({ type: 'ChangeLink', slot, name: 'x7', change: { mtu: 1300 } })).rejects.toMatchObject({
      code: 'ETIMEDOUT',
    });
  });

  test('one that is not there is told by its name, and that it is looked for again', async () => {
    await expect(act({ type: 'ChangeLink', slot, name: 'x7', change: { mtu: 1300 } })).rejects.toThrow(
      'cannot find x7: no such link (ENODEV); retrying',
    );
  });

  test("that goes while it is worked on has neither address nor master any more, but is nobody's slave", async () => {
    const gone = new KernelError('ENODEV', 'change x0');
    const whole = box;
    box = failing('removeAddress', gone);
    await act({ type: 'RemoveAddress', slot, name: 'x0', address: address('10.0.0.1/24') });
    box = whole;
    await box.createLink({ kind: 'dummy', name: 'd0' });
    box = failing('changeLink', gone);
    await act({ type: 'ReleaseSlave', slot, name: 'x0', slave: 'd0' });
    await expect(act({ type: 'AttachSlave', slot, name: 'x0', slave: 'd0' })).rejects.toBe(gone);
  });

  test('AdoptLink sets the mark', async () => {
    await box.changeLink(await index(), { alias: null });
    expect(await act({ type: 'AdoptLink', slot, name: 'x0', index: await index(), mark })).toEqual([
      { type: 'LinkAdopted', data: { slot, name: 'x0' } },
    ]);
    expect((await there())?.alias).toBe(mark);
  });

  test('ChangeLink changes what it names', async () => {
    const change = { mtu: 1300, up: false };
    expect(await act({ type: 'ChangeLink', slot, name: 'x0', change })).toEqual([
      { type: 'LinkChanged', data: { slot, name: 'x0', change } },
    ]);
    expect(await there()).toMatchObject(change);
    // The cache has not heard of the new name yet when the next operation asks for it.
    await act({ type: 'ChangeLink', slot, name: 'x0', change: { name: 'x9' } });
    await act({ type: 'ChangeLink', slot, name: 'x9', change: { up: true } });
    expect(await there('x9')).toMatchObject({ up: true });
    await expect(act({ type: 'ChangeLink', slot, name: 'none0', change })).rejects.toMatchObject({
      code: 'ENODEV',
      message: expect.stringContaining('find none0') as string,
    });
  });

  test('addresses come and go, and twice is once', async () => {
    const added = { type: 'AddAddress', slot, name: 'x0', address: address('10.0.0.1/24') } as const;
    for (let i = 0; i < 2; i++)
      expect(await act(added)).toEqual([{ type: 'AddressAdded', data: { slot, name: 'x0', address: added.address } }]);
    await box.barrier();
    expect(box.addresses(await index())).toMatchObject([{ local: '10.0.0.1' }]);
    const removed = { ...added, type: 'RemoveAddress' } as const;
    for (let i = 0; i < 2; i++)
      expect(await act(removed)).toEqual([
        { type: 'AddressRemoved', data: { slot, name: 'x0', address: added.address } },
      ]);
    await box.barrier();
    expect(box.addresses(await index())).toEqual([]);
    await expect(act({ ...added, name: 'none0' })).rejects.toBeInstanceOf(KernelError);
    await expect(act({ ...added, address: { ...added.address, family: 'inet6' } })).rejects.toBeInstanceOf(Error);
  });

  test('slaves are attached and released', async () => {
    await box.createLink({ kind: 'dummy', name: 's0' });
    expect(await act({ type: 'AttachSlave', slot, name: 'x0', slave: 's0' })).toEqual([
      { type: 'SlaveAttached', data: { slot, name: 'x0', slave: 's0' } },
    ]);
    expect((await there('s0'))?.master).toBe(await index());
    expect(await act({ type: 'ReleaseSlave', slot, name: 'x0', slave: 's0' })).toEqual([
      { type: 'SlaveReleased', data: { slot, name: 'x0', slave: 's0' } },
    ]);
    expect((await there('s0'))?.master).toBeNull();
    await expect(act({ type: 'AttachSlave', slot, name: 'x0', slave: 'none0' })).rejects.toMatchObject({
      code: 'ENODEV',
    });
  });

  test('RemoveLink removes it, and what is gone stays gone', async () => {
    const operation = { type: 'RemoveLink', slot, name: 'x0', index: await index(), mark } as const;
    for (let i = 0; i < 3; i++) {
      // The second time the cache still shows it, the third time no more.
      if (i === 2) expect(await there()).toBeUndefined();
      const absent = i === 0 ? {} : { absent: true };
      expect(await act(operation)).toStrictEqual([{ type: 'LinkRemoved', data: { slot, name: 'x0', ...absent } }]);
    }
  });

  test('RemoveLink says for which attributes the link is recreated, and hands on what the kernel refuses', async () => {
    const [done] = await act({ type: 'RemoveLink', slot, name: 'x0', index: await index(), mark, anew: ['vxlan.vni'] });
    expect(done).toEqual({ type: 'LinkRemoved', data: { slot, name: 'x0', anew: ['vxlan.vni'] } });
    await expect(
      act({ type: 'RemoveLink', slot, name: 'lo', index: box.link('lo')?.index ?? 0, mark }),
    ).rejects.toBeInstanceOf(KernelError);
  });

  test('removes either end of a pair that is ours, and a link that lost its mark', async () => {
    for (const alias of [`${mark}#peer`, null]) {
      if (!(await there())) await make({ kind: 'bridge' });
      await box.changeLink(await index(), { alias });
      await box.barrier();
      await act({ type: 'RemoveLink', slot, name: 'x0', index: await index(), mark });
      expect(await there()).toBeUndefined();
    }
  });

  test("leaves alone what has become another's", async () => {
    await box.changeLink(await index(), { alias: 'ifactor:other/netlinkinterface/y' });
    await box.barrier();
    await act({ type: 'RemoveLink', slot, name: 'x0', index: await index(), mark });
    await act({ type: 'RemoveStray', netns: box.id, name: 'x0', index: await index(), mark });
    expect(await there()).toBeDefined();
  });

  test('RemoveStray removes a link where it is found, and knows nothing of a netns that is gone', async () => {
    expect(await act({ type: 'RemoveStray', netns: '1', name: 'x0', index: await index(), mark })).toEqual([
      { type: 'LinkRemoved', data: { slot: null, name: 'x0', absent: true } },
    ]);
    expect(await there()).toBeDefined();
    await act({ type: 'RemoveStray', netns: box.id, name: 'x0', index: await index(), mark });
    expect(await there()).toBeUndefined();
  });
});

describe('on a WireGuard link', () => {
  beforeEach(async () => {
    await act({ type: 'CreateLink', slot: 'home', name: 'wg0', mark, link: { kind: 'wireguard' } });
  });

  test('MoveLink takes it to its place', async () => {
    expect(await act({ type: 'MoveLink', from: 'home', slot, name: 'wg0' })).toEqual([
      { type: 'LinkMoved', data: { slot, name: 'wg0', from: 'home' } },
    ]);
    expect(box.link('wg0')).toMatchObject({ kind: 'wireguard', alias: mark });
    expect(await there('wg0', home)).toBeUndefined();
  });

  test('SetWireGuard finds the key by its public half, and writes only what it names', async () => {
    const change = { privateKey: publicKeyOf(secret), listenPort: 51820, fwmark: 3 };
    expect(await act({ type: 'SetWireGuard', slot: 'home', name: 'wg0', change })).toEqual([
      { type: 'WireGuardChanged', data: { slot: 'home', name: 'wg0', change } },
    ]);
    await act({ type: 'SetWireGuard', slot: 'home', name: 'wg0', change: { listenPort: 51821 } });
    expect(await home.wireguard.get('wg0')).toMatchObject({
      publicKey: publicKeyOf(secret),
      listenPort: 51821,
      fwmark: 3,
    });
    await expect(
      act({ type: 'SetWireGuard', slot: 'home', name: 'wg0', change: { privateKey: 'unknown' } }),
    ).rejects.toThrow('no secret unknown');
  });

  test('SetPeer writes a peer, field by field', async () => {
    const change = {
      presharedKey: pskFingerprint(secret),
      endpoint: '192.0.2.1:51820',
      persistentKeepalive: 25,
      allowedIPs: ['10.0.0.0/24', 'fd00::/64'],
    };
    expect(await set(change)).toEqual([
      { type: 'PeerChanged', data: { slot: 'home', name: 'wg0', publicKey, endpoint: '192.0.2.1:51820', change } },
    ]);
    expect(await peers()).toMatchObject([
      {
        publicKey,
        presharedKey: secret,
        endpoint: { host: '192.0.2.1', port: 51820 },
        persistentKeepalive: 25,
        allowedIPs: change.allowedIPs,
      },
    ]);
    expect(await set({ allowedIPs: ['10.1.0.0/24'] })).toMatchObject([{ data: { endpoint: null } }]);
    expect(await peers()).toMatchObject([
      { presharedKey: secret, endpoint: { port: 51820 }, persistentKeepalive: 25, allowedIPs: ['10.1.0.0/24'] },
    ]);
    await set({ persistentKeepalive: 20 });
    expect(await peers()).toMatchObject([
      { presharedKey: secret, persistentKeepalive: 20, allowedIPs: ['10.1.0.0/24'] },
    ]);
    await set({ presharedKey: null, persistentKeepalive: 0, allowedIPs: [] });
    expect(await peers()).toMatchObject([
      { presharedKey: null, endpoint: { port: 51820 }, persistentKeepalive: 0, allowedIPs: [] },
    ]);
  });

  test.each([
    ['[fd00::9]:1', 'fd00::9', 1],
    ['vpn.example:51820', '192.0.2.9', 51820],
    ['192.0.2.7:65535', '192.0.2.7', 65535],
  ])('SetPeer reads the endpoint %s', async (endpoint, host, port) => {
    const [done] = await set({ endpoint });
    // What a name stood for is remembered, so that the kernel's endpoint can be told from another.
    const stood = host === '192.0.2.9' ? { resolved: `${host}:${port}` } : {};
    expect(done).toEqual({
      type: 'PeerChanged',
      data: { slot: 'home', name: 'wg0', publicKey, endpoint, ...stood, change: { endpoint } },
    });
    expect(await peers()).toMatchObject([{ endpoint: { host, port } }]);
  });

  test('a host name without an address costs the peer its endpoint, and nothing else', async () => {
    const done = await set({ endpoint: 'gone.example:51820', allowedIPs: ['10.0.0.0/24'] });
    expect(done).toEqual([
      {
        type: 'EndpointUnresolved',
        data: {
          publicKey,
          endpoint: 'gone.example:51820',
          message: 'gone.example has no address now (ENOTFOUND); retrying',
        },
      },
      {
        type: 'PeerChanged',
        data: {
          slot: 'home',
          name: 'wg0',
          publicKey,
          endpoint: null,
          change: { endpoint: 'gone.example:51820', allowedIPs: ['10.0.0.0/24'] },
        },
      },
    ]);
    expect(await peers()).toMatchObject([{ endpoint: null, allowedIPs: ['10.0.0.0/24'] }]);
  });

  test('RemovePeer removes one peer and no other', async () => {
    await set({});
    await home.wireguard.set('wg0', { peers: [{ publicKey: publicKeyOf(secret) }] });
    expect(await act({ type: 'RemovePeer', slot: 'home', name: 'wg0', publicKey })).toEqual([
      { type: 'PeerRemoved', data: { slot: 'home', name: 'wg0', publicKey } },
    ]);
    expect((await peers()).map((peer) => peer.publicKey)).toEqual([publicKeyOf(secret)]);
  });
});
