import { afterEach, expect, test, vi } from 'vitest';
import type { Observed, ObservedPeer } from '@ifactor/crds';
import { rulesFor, knowing, netlinkKey, shown, wireguardKey } from '../../testing/rules.ts';
import { fromCIDR, fromFields } from '../diff/address.ts';
import { markOf } from '../diff/mark.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** Counts reads of anything within a value. */
function counted<T extends object>(value: T, count: () => void): T {
  const known = new WeakMap<object, object>();
  const wrap = <V extends object>(target: V): V => {
    const proxy =
      known.get(target) ?? new Proxy(target, { get: (of, key) => (count(), wrapped(Reflect.get(of, key))) });
    known.set(target, proxy);
    return proxy as V;
  };
  const wrapped = (inner: unknown): unknown => (typeof inner === 'object' && inner !== null ? wrap(inner) : inner);
  return wrap(value);
}

/** How often a comparison reads what is observed, and how many entries it looks through by `includes`. */
function effort(key: typeof wireguardKey, spec: object, observed: Partial<Observed>): number {
  const { rules, spec: read } = rulesFor(key, spec);
  let reads = 0;
  // oxlint-disable-next-line typescript/unbound-method -- called with its array
  const { includes } = Array.prototype;
  vi.spyOn(Array.prototype, 'includes').mockImplementation(function (this: unknown[], ...args) {
    reads += this.length;
    return includes.apply(this, args);
  });
  const whole = counted({ links: {}, strays: [], devices: {}, ...observed }, () => void reads++);
  const { drift } = rules.diff(read, knowing(key), whole);
  vi.restoreAllMocks();
  expect(drift).toEqual([]);
  return reads;
}

const keyOf = (index: number): string => {
  const bytes = Buffer.alloc(32, 7);
  bytes.writeUInt16LE(index);
  return bytes.toString('base64');
};

function tunnel(peers: number, each: number, addresses: number): number {
  const spec = {
    interfaceName: 'wg0',
    peers: Array.from({ length: peers }, (_, index) => ({
      publicKey: keyOf(index),
      allowedIPs: Array.from(
        { length: each },
        (_none, net) => `10.${index % 200}.${net % 200}.${Math.floor(index / 200) * 2 + Math.floor(net / 200)}/32`,
      ),
    })),
    addresses: Array.from({ length: addresses }, (_, index) => ({
      family: 'inet',
      local: `10.9.${index}.1`,
      prefixlen: 24,
    })),
  };
  const { spec: read } = rulesFor(wireguardKey, spec);
  if (!('peers' in read)) throw new TypeError('no tunnel');
  const found: ObservedPeer[] = spec.peers.map(({ publicKey, allowedIPs }) => ({
    publicKey,
    presharedKey: null,
    endpoint: null,
    persistentKeepalive: 0,
    allowedIPs: allowedIPs.toReversed(),
  }));
  const link = shown({
    name: 'wg0',
    kind: 'wireguard',
    mtu: 1420,
    alias: markOf(wireguardKey),
    addresses: read.addresses.map(fromFields).toReversed(),
    wireguard: { publicKey: null, listenPort: 0, fwmark: 0, peers: found.toReversed() },
  });
  return effort(wireguardKey, spec, { links: { home: link } });
}

function bridge(slaves: number, addresses: number): number {
  const names = Array.from({ length: slaves }, (_, index) => `port${index}`);
  const spec = {
    interfaceName: 'br0',
    type: 'bridge',
    up: true,
    bridge: { slaves: names },
    addresses: Array.from({ length: addresses }, (_, index) => ({ ipcidr: `10.9.${index}.1/24` })),
  };
  const link = shown({
    name: 'br0',
    kind: 'bridge',
    alias: markOf(netlinkKey),
    slaves: names.toReversed(),
    addresses: spec.addresses.map(fromCIDR).toReversed(),
  });
  return effort(netlinkKey, spec, {
    links: { target: link },
    devices: Object.fromEntries(names.map((name) => [name, true])),
  });
}

test.each<[what: string, half: () => number, whole: () => number]>([
  ['peers', () => tunnel(500, 10, 0), () => tunnel(1000, 10, 0)],
  ['allowedIPs of one peer', () => tunnel(1, 200, 0), () => tunnel(1, 400, 0)],
  ['addresses of a tunnel', () => tunnel(0, 0, 128), () => tunnel(0, 0, 256)],
  ['addresses', () => bridge(0, 32), () => bridge(0, 64)],
  ['slaves', () => bridge(128, 0), () => bridge(256, 0)],
])('comparing twice as many %s costs twice as much', (_, half, whole) => {
  expect(whole()).toBeLessThan(2.2 * half());
});
