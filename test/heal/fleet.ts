import { run, type Declared, type World } from './world.ts';

/** One end of a declared interface: what `ip` shows in a netns when all is well. */
export type Expected = {
  object: Declared;
  place: string;
  link: string;
  kind: string;
  mtu: number;
  addresses: string[];
};

const box = (place: string) => ({ container: { docker: { name: place } } });

/** Those of one group live in one place. */
const kinds = ['bridge', 'vxlan', 'veth', 'bridge', 'vxlan', 'veth', 'bridge', 'vxlan', 'veth', 'wireguard'];

/** `count` interfaces of every kind that this kernel has, spread over the containers of a node, each with two addresses at most. */
export function fleet(node: string, places: readonly string[], count: number): Expected[] {
  return Array.from({ length: count }, (_, at) =>
    interfaceOf(node, at, kinds[at % kinds.length] ?? 'bridge', places),
  ).flat();
}

function interfaceOf(node: string, at: number, kind: string, places: readonly string[]): Expected[] {
  const group = Math.floor(at / kinds.length);
  const place = places[group % places.length] ?? '';
  const link = `s${at}`;
  const mtu = 1300 + (at % 100);
  const addresses = [`10.${20 + (at >> 8)}.${at & 255}.1/24`, `fd00:${(at + 1).toString(16)}::1/64`];
  const common = { node, interfaceName: link, mtu, ...box(place) };
  if (kind === 'wireguard') {
    const publicKey = Buffer.alloc(32, at).fill(9, 31).toString('base64');
    const spec = {
      ...common,
      moveToContainer: true,
      fwmark: at,
      peers: [{ publicKey, allowedIPs: ['10.99.0.0/24'], persistentKeepalive: 25 }],
      addresses: addresses.map((address) => ({
        family: address.includes(':') ? 'inet6' : 'inet',
        local: address.split('/')[0],
        prefixlen: Number(address.split('/')[1]),
      })),
    };
    return [
      { object: { kind: 'WireGuardInterface', name: link, spec }, place, link, kind: 'wireguard', mtu, addresses },
    ];
  }
  const cidrs = addresses.map((ipcidr) => ({ ipcidr }));
  const object = (more: object): Declared => ({
    kind: 'NetlinkInterface',
    name: link,
    spec: { ...common, type: kind, up: true, addresses: cidrs, ...more },
  });
  if (kind === 'vxlan')
    return [
      {
        object: object({ vxlan: { vni: 1000 + at, local: '192.0.2.1', group: '192.0.2.2', port: 4789 } }),
        place,
        link,
        kind,
        mtu,
        addresses,
      },
    ];
  if (kind === 'bridge')
    return [{ object: object({ bridge: { slaves: [`s${at + 2}`] } }), place, link, kind, mtu, addresses }];
  // A veth is the slave of the bridge two before it; its far end is in the next place.
  const far = places[(group + 1) % places.length] ?? '';
  const farCidr = `10.${40 + (at >> 8)}.${at & 255}.2/24`;
  const declared = object({
    veth: { peer: { interfaceName: `${link}-far`, ...box(far), addresses: [{ ipcidr: farCidr }] } },
  });
  return [
    { object: declared, place, link, kind, mtu, addresses },
    { object: declared, place: far, link: `${link}-far`, kind, mtu, addresses: [farCidr] },
  ];
}

type Shown = {
  ifname: string;
  mtu: number;
  flags: string[];
  ifalias?: string;
  master?: string;
  linkinfo?: { info_kind?: string };
  addr_info: { local: string; prefixlen: number }[];
};

/** Links that nobody declared and that bear no mark, as `place/link`: what lost its mark and its place is not ifactor's any more. */
export async function unowned(
  world: World,
  expected: readonly Expected[],
  places: readonly string[],
): Promise<[place: string, link: string][]> {
  const known = new Set(expected.map(({ place, link }) => `${place}/${link}`));
  const found: [string, string][] = [];
  for (const place of places) {
    for (const { ifname, ifalias } of JSON.parse(await world.ip(place, '-d', '-j', 'link')) as Shown[]) {
      if (!known.has(`${place}/${ifname}`) && !ifalias?.startsWith('ifactor:') && !/^(lo|foreign\d)$/.test(ifname))
        found.push([place, ifname]);
    }
  }
  return found;
}

/** What of the fleet is not as declared, in words. WireGuard links are served by a tun where the kernel has no WireGuard. */
export async function faults(
  world: World,
  expected: readonly Expected[],
  places: readonly string[],
): Promise<string[]> {
  const links = new Map<string, Shown>();
  for (const place of places) {
    for (const link of JSON.parse(await world.ip(place, '-d', '-j', 'address')) as Shown[])
      links.set(`${place}/${link.ifname}`, link);
  }
  const found = expected.flatMap(({ place, link, kind, mtu, addresses }) => {
    const shown = links.get(`${place}/${link}`);
    if (!shown) return [`${place}/${link} is missing`];
    const own = shown.addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`).toSorted();
    return [
      ...(kind === 'wireguard' || shown.linkinfo?.info_kind === kind
        ? []
        : [`${place}/${link} is a ${shown.linkinfo?.info_kind}`]),
      ...(shown.mtu === mtu ? [] : [`${place}/${link} has mtu ${shown.mtu}`]),
      ...(shown.flags.includes('UP') ? [] : [`${place}/${link} is down`]),
      ...(shown.ifalias?.startsWith('ifactor:') ? [] : [`${place}/${link} has no mark`]),
      ...(own.join() === addresses.toSorted().join() ? [] : [`${place}/${link} has ${own.join(', ')}`]),
    ];
  });
  const known = new Set(expected.map(({ place, link }) => `${place}/${link}`));
  const strays = [...links.keys()].filter((name) => !known.has(name) && !/\/(lo|foreign\d|underlay0)$/.test(name));
  return [...found, ...strays.map((name) => `${name} should not be`)];
}

/** The peer that a tunnel is declared with. */
export const publicKeyIn = ({ object }: Expected): string =>
  (object.spec['peers'] as { publicKey: string }[])[0]?.publicKey ?? '';

/** What of the tunnels is not as declared, by the word of `wg`. */
export async function tunnelFaults(world: World, expected: readonly Expected[]): Promise<string[]> {
  const tunnels = expected.filter(({ kind }) => kind === 'wireguard');
  const found = await Promise.all(
    tunnels.map(async (tunnel): Promise<string[]> => {
      const { place, link, object } = tunnel;
      const [device = '', ...peers] = (await world.wg(object.spec.node, place, 'show', link, 'dump'))
        .trim()
        .split('\n');
      const mark = Number(device.split('\t')[3]?.replace('off', '0'));
      const shown = peers.map((peer) => peer.split('\t')).map((fields) => [fields[0], fields[3], fields[7]].join(' '));
      const wanted = `${publicKeyIn(tunnel)} 10.99.0.0/24 25`;
      return [
        ...(mark === object.spec['fwmark'] ? [] : [`${place}/${link} has fwmark ${mark}`]),
        ...(shown.length === 1 && shown[0] === wanted ? [] : [`${place}/${link} has peers ${shown.join(', ')}`]),
      ];
    }),
  );
  return found.flat();
}

/** Resident memory of a process, in MB. */
export async function memoryOf(pid: number): Promise<number> {
  const { stdout } = await run('cat', [`/proc/${pid}/status`]);
  return Number(/VmRSS:\s+(\d+)/.exec(stdout)?.[1] ?? 0) / 1024;
}
