import { enslaves, isPaired, slavesOf } from '@ifactor/crds';
import type { InterfaceSpec, Key, Observed, ObservedLink, ObservedWireGuard, Slot } from '@ifactor/crds';
import { isKernelError } from '../kernel/index.ts';
import type { KernelAddress, Link, Netns, WireGuardDevice } from '../kernel/index.ts';
import { printSocketAddress } from '@ifactor/common/ip';
import { printAddress } from '@ifactor/crds/words';
import type { KindRules } from '../interface/diff/rules.ts';
import { pskFingerprint } from '../interface/diff/fingerprint.ts';
import { linkIndexOf } from './linkIndex.ts';
import { isMark, markOf, ownerIn } from '../interface/diff/mark.ts';
import { fromKernel } from './attributes.ts';

type Seen = (device: Omit<WireGuardDevice, 'privateKey'>) => void;

/** A device without its secrets. */
function wireguardOf(device: WireGuardDevice): ObservedWireGuard {
  const peers = device.peers.map((peer) => ({
    publicKey: peer.publicKey,
    presharedKey: peer.presharedKey === null ? null : pskFingerprint(peer.presharedKey),
    endpoint: peer.endpoint === null ? null : printSocketAddress(peer.endpoint),
    persistentKeepalive: peer.persistentKeepalive,
    allowedIPs: peer.allowedIPs.toSorted(),
  }));
  return {
    publicKey: device.publicKey,
    listenPort: device.listenPort,
    fwmark: device.fwmark,
    peers: peers.toSorted((a, b) => (a.publicKey < b.publicKey ? -1 : 1)),
  };
}

/** Devices are asked for by name: one that was renamed a moment ago is asked for again, one that is gone is null. */
async function deviceOf(netns: Netns, link: Link): Promise<WireGuardDevice | null> {
  try {
    return await netns.wireguard.get(link.name);
  } catch (error) {
    if (!isKernelError(error, 'ENODEV', 'ENOENT')) throw error;
    await netns.barrier();
    const now = netns.linkAt(link.index);
    if (!now) return null;
    if (now.name === link.name) throw error;
    return deviceOf(netns, now);
  }
}

const isTentative = ({ flags = [] }: KernelAddress): boolean =>
  flags.includes('tentative') && !flags.includes('optimistic') && !flags.includes('dadFailed');

const localsOf = (netns: Netns, { index }: Link, which: (address: KernelAddress) => boolean): string[] =>
  netns
    .addresses(index)
    .filter(which)
    .map(({ local }) => local)
    .toSorted();

const hasCarrier = ({ flags }: Link): boolean => flags.includes('LOWER_UP');

/** Which addresses of a link cannot be used yet, or at all. Without carrier nothing is checked, and nothing is waited for. */
function unusable(netns: Netns, link: Link): Pick<ObservedLink, 'tentative' | 'duplicate'> {
  const tentative = hasCarrier(link) ? localsOf(netns, link, isTentative) : [];
  const duplicate = localsOf(netns, link, ({ flags = [] }) => flags.includes('dadFailed'));
  return { ...(tentative.length > 0 ? { tentative } : {}), ...(duplicate.length > 0 ? { duplicate } : {}) };
}

/** Reads the link again: the kernel notifies late of carrier, which the check of its addresses depends on. */
async function withCarrier(netns: Netns, link: Link): Promise<Link> {
  await netns.reread(link.index);
  return netns.linkAt(link.index) ?? link;
}

async function observeLink(netns: Netns, found: Link, seen: Seen): Promise<ObservedLink | null> {
  const uncertain = found.up && !hasCarrier(found) && localsOf(netns, found, isTentative).length > 0;
  const link = uncertain ? await withCarrier(netns, found) : found;
  const { index, name, kind, up, mtu, alias } = link;
  const addresses = netns.addresses(index).map(({ family, local, peer, prefixlen, noPrefixRoute }) => ({
    family,
    local,
    peer,
    prefixlen,
    noPrefixRoute,
  }));
  // The kernel lists them by age; the order means nothing.
  addresses.sort((a, b) => (printAddress(a) < printAddress(b) ? -1 : 1));
  const result: ObservedLink = { index, name, kind, up, mtu, alias, addrGenMode: link.addrGenMode ?? null, addresses };
  Object.assign(result, unusable(netns, link));
  if (enslaves(kind)) result.slaves = linkIndexOf(netns).slaves(index);
  if (isPaired(kind)) result.peerIndex = link.peerIndex;
  Object.assign(result, fromKernel(netns, link));
  if (kind === 'wireguard') {
    const device = await deviceOf(netns, link);
    if (device === null) return null;
    result.wireguard = wireguardOf(device);
    const { privateKey: _, ...rest } = device;
    seen({ ...rest, peers: rest.peers.map((peer) => ({ ...peer, presharedKey: null })) });
  }
  return result;
}

/**
 * Whether a netns has a link of this interface that another program moved there: it has the mark, and the MAC address that the kernel
 * gave to the link when we created it. The mark alone is no proof, since any program may set it.
 */
export const hasMovedLink = (netns: Netns, key: Key, macs: ReadonlySet<string>): boolean =>
  [markOf(key), markOf(key, 'peer')].some((mark) => {
    const mac = linkIndexOf(netns).marked(mark)?.mac;
    return typeof mac === 'string' && macs.has(mac);
  });

/**
 * What the kernel shows of an interface: for each slot the link with its mark, else the one of its name.
 * @param places the open netns of each slot; a slot without one is left out
 * @param own every netns where links of the actor may be: searched for links with its mark where none belongs. Elsewhere others may
 *   have written its mark
 * @param seen receives a WireGuard device as it is, without its keys: what the status shows and no decision depends on
 */
export async function observe(
  key: Key,
  rules: KindRules,
  spec: InterfaceSpec,
  places: Partial<Record<Slot, Netns>>,
  own: Iterable<Netns>,
  seen: Seen = () => undefined,
): Promise<Observed> {
  const names = new Map(rules.names(spec).map(({ slot, name }) => [slot, name]));
  const links: { [S in Slot]?: ObservedLink | null } = {};
  for (const { slot } of rules.places(spec)) {
    const netns = places[slot];
    if (!netns) continue;
    const mark = slot === 'peer' ? markOf(key, 'peer') : markOf(key);
    const link = linkIndexOf(netns).marked(mark) ?? netns.link(names.get(slot) ?? spec.interfaceName);
    links[slot] = link ? await observeLink(netns, link, seen) : null;
  }
  const strays: Observed['strays'][number][] = [];
  for (const netns of own) {
    for (const mark of [markOf(key), markOf(key, 'peer')]) {
      const link = linkIndexOf(netns).marked(mark);
      const belongs = Object.entries(links).some(
        ([slot, at]) => places[slot as Slot] === netns && at?.index === link?.index,
      );
      if (link && !belongs) strays.push({ netns: netns.id, index: link.index, name: link.name });
    }
  }
  // No plain assignment: a device may have the name `__proto__`.
  const devices = Object.fromEntries(
    rules.devices(spec).map((name) => [name, places.target?.link(name) !== undefined]),
  );
  const down = rules.mustBeUp?.(spec).filter((name) => places.target?.link(name)?.up === false);
  const taken = places.target && 'type' in spec ? takenFrom(places.target, slavesOf(spec), markOf(key)) : {};
  return {
    links,
    strays,
    devices,
    ...(down?.length ? { down } : {}),
    ...(Object.keys(taken).length > 0 ? { taken } : {}),
  };
}

/** Those of the names that a link with another mark than ours has enslaved. */
function takenFrom(netns: Netns, names: readonly string[], ours: string): NonNullable<Observed['taken']> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const upper = netns.linkAt(netns.link(name)?.master ?? 0);
      if (!upper || !isMark(upper.alias) || upper.alias === ours) return [];
      return [[name, { master: upper.name, owner: ownerIn(upper.alias) }]];
    }),
  );
}
