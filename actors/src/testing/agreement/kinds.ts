/** Every kind of link: legal settings, the arguments of `ip` for them, and how `ip` shows them. Written from ip-link(8), not from our code. */
import * as fc from 'fast-check';
import type { NetlinkType } from '@ifactor/crds';

/** What `ip -details -json link show` has under `linkinfo.info_data`, and `link` beside it. */
export type Shown = { [field: string]: unknown };

export type Kind<Section = never> = {
  type: NetlinkType;
  /** Names in the same netns, made before, that a link of this kind may stand on or take in. */
  section: fc.Arbitrary<Section>;
  /** Words between the name and `type`, and those after it. */
  words: (section: Section) => { before?: string[]; after: string[] };
  /** The section as it is read off what `ip` shows; `link` is the device below, where that stands outside `info_data`. */
  read: (shown: Shown, link: string | null) => unknown;
  /** The same from the section itself, with what the kernel makes of its gaps. */
  meant: (section: Section) => unknown;
  /** Names of the links that it takes in. */
  slaves?: (section: Section) => string[];
};

const byte = fc.integer({ min: 0, max: 255 });
const ipv4 = fc
  .tuple(fc.integer({ min: 11, max: 99 }), byte, byte, fc.integer({ min: 1, max: 254 }))
  .map((bytes) => bytes.join('.'));
const ipv6 = fc
  .tuple(fc.integer({ min: 1, max: 0xffff }), fc.integer({ min: 1, max: 0xffff }))
  .map(([a, b]) => `fd00:0:0:${a.toString(16)}::${b.toString(16).toUpperCase()}`);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
/** Without the keys of absent values, as a manifest is. */
const sparse = <T extends object>(model: { [K in keyof T]-?: fc.Arbitrary<T[K] | undefined> }): fc.Arbitrary<T> =>
  fc.record<{ [K in keyof T]: T[K] | undefined }>(model).map((value) => JSON.parse(JSON.stringify(value)) as T);
const hex = (text: unknown): number => (typeof text === 'string' ? Number(text) : 0);
const plain = (ip: unknown): string | null => (typeof ip === 'string' && ip !== 'any' ? ip : null);
/** As the kernel spells the addresses made above. */
const spelled = (ip: string | undefined): string | null =>
  ip === undefined ? null : ip.includes(':') ? new URL(`http://[${ip}]`).hostname.slice(1, -1) : ip;

type Vxlan = {
  vni: number;
  dev?: string;
  local?: string;
  group?: string;
  port?: number;
  portRange?: [number, number];
  tos?: number;
  ttl?: number;
  noLearning?: boolean;
  noAge?: boolean;
  proxyARP?: boolean;
};
const longest = 4_294_967;
const vxlanOf = (ip: fc.Arbitrary<string>, multicast: fc.Arbitrary<string>): fc.Arbitrary<Vxlan> =>
  sparse<Vxlan>({
    vni: fc.integer({ min: 1, max: 0xffffff }),
    dev: maybe(fc.constant('low0')),
    local: maybe(ip),
    group: maybe(fc.oneof(ip, multicast)),
    port: maybe(fc.integer({ min: 1, max: 65535 })),
    portRange: maybe(fc.tuple(fc.integer({ min: 1, max: 30000 }), fc.integer({ min: 30001, max: 65535 }))),
    tos: maybe(byte),
    ttl: maybe(byte),
    noLearning: maybe(fc.boolean()),
    noAge: maybe(fc.boolean()),
    proxyARP: maybe(fc.boolean()),
  }).map((spec) => (spec.group !== undefined && /^(239|ff)/.test(spec.group) ? { ...spec, dev: 'low0' } : spec));
export const vxlan: Kind<Vxlan> = {
  type: 'vxlan',
  section: fc.oneof(
    vxlanOf(
      ipv4,
      byte.map((last) => `239.1.2.${last}`),
    ),
    vxlanOf(
      ipv6,
      byte.map((last) => `ff05::1${last.toString(16)}`),
    ),
  ),
  words: ({ vni, dev, local, group, port, portRange, tos, ttl, noLearning, noAge, proxyARP }) => ({
    after: [
      'id',
      String(vni),
      ...(dev === undefined ? [] : ['dev', dev]),
      ...(local === undefined ? [] : ['local', local]),
      ...(group === undefined ? [] : [/^(239|ff)/.test(group) ? 'group' : 'remote', group]),
      'dstport',
      String(port ?? 4789),
      ...(portRange ? ['srcport', ...portRange.map(String)] : []),
      'tos',
      `0x${(tos ?? 0).toString(16)}`,
      'ttl',
      String(ttl ?? 0),
      noLearning ? 'nolearning' : 'learning',
      'ageing',
      noAge ? String(longest) : '300',
      ...(proxyARP ? ['proxy'] : []),
    ],
  }),
  read: ({
    id,
    link = null,
    local,
    local6,
    group,
    group6,
    remote,
    remote6,
    port,
    port_range: range,
    tos,
    ttl,
    learning,
    ageing,
    proxy = false,
  }) => ({
    id,
    link,
    local: local ?? local6 ?? null,
    group: group ?? group6 ?? remote ?? remote6 ?? null,
    port,
    range,
    tos: hex(tos),
    ttl,
    learning,
    ageing,
    proxy,
  }),
  meant: ({
    vni,
    dev = null,
    local,
    group,
    port = 4789,
    portRange: [low, high] = [0, 0],
    tos = 0,
    ttl = 0,
    noLearning = false,
    noAge = false,
    proxyARP = false,
  }) => ({
    id: vni,
    link: dev,
    local: spelled(local),
    group: spelled(group),
    port,
    range: { low, high },
    tos,
    ttl,
    learning: !noLearning,
    ageing: noAge ? longest : 300,
    proxy: proxyARP,
  }),
};

type Vlan = { dev: string; id: number; protocol?: '802.1Q' | '802.1ad' };
export const vlan: Kind<Vlan> = {
  type: 'vlan',
  section: sparse<Vlan>({
    dev: fc.constant('low0'),
    id: fc.integer({ min: 1, max: 4094 }),
    protocol: maybe(fc.constantFrom('802.1Q', '802.1ad')),
  }),
  words: ({ dev, id, protocol = '802.1Q' }) => ({
    before: ['link', dev],
    after: ['protocol', protocol, 'id', String(id)],
  }),
  read: ({ id, protocol }, dev) => ({ dev, id, protocol }),
  meant: ({ dev, id, protocol = '802.1Q' }) => ({ dev, id, protocol }),
};

type Macvlan = { dev: string; mode?: string };
export const macvlan: Kind<Macvlan> = {
  type: 'macvlan',
  section: sparse<Macvlan>({
    dev: fc.constant('low0'),
    mode: maybe(fc.constantFrom('private', 'vepa', 'bridge', 'passthru')),
  }),
  words: ({ dev, mode = 'bridge' }) => ({ before: ['link', dev], after: ['mode', mode] }),
  read: ({ mode }, dev) => ({ dev, mode }),
  meant: ({ dev, mode = 'bridge' }) => ({ dev, mode }),
};

const slaves = fc.subarray(['port0', 'port1']);
type Vrf = { table: number; slaves: string[] };
export const vrf: Kind<Vrf> = {
  type: 'vrf',
  section: fc.record({ table: fc.integer({ min: 1, max: 0xffffffff }), slaves }),
  words: ({ table }) => ({ after: ['table', String(table)] }),
  read: ({ table }) => table,
  meant: ({ table }) => table,
  slaves: (section) => section.slaves,
};

type Bridge = { slaves: string[] };
export const bridge: Kind<Bridge> = {
  type: 'bridge',
  section: fc.record({ slaves }),
  words: () => ({ after: [] }),
  read: () => null,
  meant: () => null,
  slaves: (section) => section.slaves,
};

export const dummy: Kind<object> = {
  type: 'dummy',
  section: fc.constant({}),
  words: () => ({ after: [] }),
  read: () => null,
  meant: () => null,
};

type Ipip = { remote: string; local?: string; dev?: string; ttl?: number; tos?: number };
const tunnel = {
  remote: ipv4,
  local: maybe(ipv4),
  dev: maybe(fc.constant('low0')),
  ttl: maybe(byte),
  tos: maybe(byte),
};
const tunnelWords = ({ remote, local, dev, ttl, tos }: Ipip): string[] => [
  'remote',
  remote,
  ...(local === undefined ? [] : ['local', local]),
  ...(dev === undefined ? [] : ['dev', dev]),
  'ttl',
  String(ttl ?? 0),
  'tos',
  `0x${(tos ?? 0).toString(16)}`,
];
const readTunnel = ({ remote, local, link = null, ttl, tos }: Shown) => ({
  remote: plain(remote),
  local: plain(local),
  link,
  ttl,
  tos: hex(tos),
});
const meantTunnel = ({ remote, local, dev = null, ttl = 0, tos = 0 }: Omit<Ipip, 'dev'> & { dev?: string | null }) => ({
  remote,
  local: local ?? null,
  link: dev,
  ttl,
  tos,
});
export const ipip: Kind<Ipip> = {
  type: 'ipip',
  section: sparse<Ipip>(tunnel),
  words: (section) => ({ after: tunnelWords(section) }),
  read: readTunnel,
  meant: meantTunnel,
};

type Gre = Ipip & { key?: number };
/** `ip` spells a key as an address. */
const keyOf = (dotted: unknown): number | null =>
  typeof dotted === 'string' ? dotted.split('.').reduce((sum, part) => sum * 256 + Number(part), 0) : null;
export const gre: Kind<Gre> = {
  type: 'gre',
  section: sparse<Gre>({ ...tunnel, key: maybe(fc.integer({ min: 0, max: 0xffffffff })) }),
  words: (section) => ({
    after: [...tunnelWords(section), ...(section.key === undefined ? [] : ['key', String(section.key)])],
  }),
  read: (shown) => ({ ...readTunnel(shown), input: keyOf(shown['ikey']), output: keyOf(shown['okey']) }),
  meant: (section) => ({ ...meantTunnel(section), input: section.key ?? null, output: section.key ?? null }),
};

export type Address = { ipcidr: string; peerCidr?: string };
const addressOf = (ip: fc.Arbitrary<string>, most: number): fc.Arbitrary<Address> =>
  fc
    .tuple(ip, maybe(ip), fc.integer({ min: 8, max: most }))
    .map(([local, peer, length]) =>
      peer === undefined || peer === local
        ? { ipcidr: `${local}/${length}` }
        : { ipcidr: local, peerCidr: `${peer}/${length}` },
    );
/** Of one link: no local address twice. */
export const addresses = fc.uniqueArray(fc.oneof(addressOf(ipv4, 32), addressOf(ipv6, 128)), {
  maxLength: 4,
  selector: ({ ipcidr }) => ipcidr.split('/')[0]!.toLowerCase(),
});

/** `LOCAL/LEN` or `LOCAL -> PEER/LEN`, as the kernel spells them. */
export function printed({ ipcidr, peerCidr }: Address): string {
  const [local = '', own] = ipcidr.split('/');
  const [peer, length = own] = peerCidr?.split('/') ?? [];
  return `${spelled(local)}${peer === undefined ? '' : ` -> ${spelled(peer)}`}/${length}`;
}
