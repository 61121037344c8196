import type {
  Drift,
  KernelOperation,
  Observed,
  ObservedPeer,
  ObservedWireGuard,
  Slot,
  WireGuardInterfaceSpec,
  WireGuardPeer,
} from '@ifactor/crds';
import { canonicalNetwork } from '@ifactor/common/ip';
import { addAddress, conflictWith, diffAttributes, noDifference, ownership, remove } from '../diff/link.ts';
import type { WantedLink } from '../diff/link.ts';
import { fromFields } from '../diff/address.ts';
import { withoutUndefined } from '../diff/withoutUndefined.ts';
import type { Difference, KindRules, Knowledge } from '../diff/rules.ts';
import { markOf } from '../diff/mark.ts';

const defaultMtu = 1420;

const finalSlot = (spec: WireGuardInterfaceSpec): Slot => (spec.moveToContainer ? 'target' : 'home');

/** Refs as the bridge names them in a Desired message. */
export const privateKeyRef = 'privateKey';
const pskRef = (publicKey: string): string => `psk:${publicKey}`;

type Part = Pick<Difference, 'drift' | 'operations'>;

type WantedPeer = { peer: WireGuardPeer; allowedIPs: string[] };

// A spec is compared with the kernel many times in its life and never changes: its networks are read once.
const read = new WeakMap<object, readonly WantedPeer[]>();

/** The desired peers of the device. If several peers list a network, the last one gets it, as in the kernel. */
function wantedPeers({ peers }: WireGuardInterfaceSpec): readonly WantedPeer[] {
  const known = read.get(peers);
  if (known) return known;
  const owner = new Map<string, string>();
  const networks = peers.map(({ allowedIPs }) => [...new Set(allowedIPs.map(canonicalNetwork))]);
  peers.forEach(({ publicKey }, index) => {
    for (const network of networks[index]!) owner.set(network, publicKey);
  });
  const result = peers.map((peer, index) => ({
    peer,
    allowedIPs: networks[index]!.filter((network) => owner.get(network) === peer.publicKey),
  }));
  read.set(peers, result);
  return result;
}

/** Of lists without repetition. */
function sameSet(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  const there = new Set(b);
  return a.every((entry) => there.has(entry));
}

/**
 * What to do about a peer's endpoint. One that the kernel learned by roaming is kept until the spec's own changes, so the
 * kernel is compared with what was last written, not with the spec; the observation says whether it is stale.
 */
function endpointChange(
  peer: WireGuardPeer,
  found: ObservedPeer | undefined,
  known: Knowledge,
): 'set' | 'remove' | null {
  const written = known.endpoints[peer.publicKey];
  if (peer.endpoint === undefined) return written && found?.endpoint ? 'remove' : null;
  if (known.unresolved[peer.publicKey] === peer.endpoint) return null;
  if (!found?.endpoint || found.stale) return 'set';
  return written === undefined || written === peer.endpoint ? null : 'set';
}

function diffPeers(
  spec: WireGuardInterfaceSpec,
  slot: Slot,
  name: string,
  known: Knowledge,
  found: readonly ObservedPeer[],
): Part {
  const drift: Drift[] = [];
  const operations: KernelOperation[] = [];
  const wanted = wantedPeers(spec);
  const keys = new Set(wanted.map(({ peer }) => peer.publicKey));
  const byKey = new Map(found.map((peer) => [peer.publicKey, peer]));
  for (const publicKey of byKey.keys()) {
    if (keys.has(publicKey)) continue;
    drift.push({ field: 'peers', wanted: null, found: publicKey });
    operations.push({ type: 'RemovePeer', slot, name, publicKey });
  }
  for (const { peer, allowedIPs } of wanted) {
    const { publicKey } = peer;
    let now = byKey.get(publicKey);
    const field = (what: string): string => `peers[${publicKey}].${what}`;
    const endpoint = endpointChange(peer, now, known);
    if (!now) drift.push({ field: 'peers', wanted: publicKey, found: null });
    if (endpoint === 'remove') {
      // The kernel has no request to remove an endpoint: remove the peer and add it again without one.
      drift.push({ field: field('endpoint'), wanted: null, found: now!.endpoint });
      operations.push({ type: 'RemovePeer', slot, name, publicKey });
      now = undefined;
    }
    const change: Extract<KernelOperation, { type: 'SetPeer' }>['change'] = {};
    const set = <K extends keyof typeof change>(key: K, value: (typeof change)[K], was: unknown): void => {
      change[key] = value;
      if (now) drift.push({ field: field(key), wanted: value, found: was });
    };
    if (endpoint === 'set') set('endpoint', peer.endpoint, now?.endpoint ?? null);
    const keepalive = peer.persistentKeepalive ?? 0;
    if ((now?.persistentKeepalive ?? 0) !== keepalive) set('persistentKeepalive', keepalive, now?.persistentKeepalive);
    const psk = peer.presharedKeySecretRef === undefined ? null : (known.secrets[pskRef(publicKey)] ?? null);
    if ((now?.presharedKey ?? null) !== psk) set('presharedKey', psk, now?.presharedKey ?? null);
    if (!sameSet(now?.allowedIPs ?? [], allowedIPs)) set('allowedIPs', allowedIPs, now?.allowedIPs);
    if (!now || Object.keys(change).length > 0) operations.push({ type: 'SetPeer', slot, name, publicKey, change });
  }
  return { drift, operations };
}

/** Keys, port, mark and peers of a device; `found` is undefined for one that is still to be made. */
function diffDevice(
  spec: WireGuardInterfaceSpec,
  slot: Slot,
  known: Knowledge,
  found: ObservedWireGuard | undefined,
): Part {
  const name = spec.interfaceName;
  const drift: Drift[] = [];
  const change: Extract<KernelOperation, { type: 'SetWireGuard' }>['change'] = {};
  const set = <K extends keyof typeof change>(key: K, value: (typeof change)[K], was: unknown): void => {
    change[key] = value;
    drift.push({ field: key === 'privateKey' ? 'publicKey' : key, wanted: value, found: was });
  };
  const publicKey = known.secrets[privateKeyRef];
  if (publicKey !== undefined && found?.publicKey !== publicKey) set('privateKey', publicKey, found?.publicKey ?? null);
  const port = spec.listenPort || known.listenPort;
  if (port && found?.listenPort !== port) set('listenPort', port, found?.listenPort);
  const fwmark = spec.fwmark ?? 0;
  if ((found?.fwmark ?? 0) !== fwmark) set('fwmark', fwmark, found?.fwmark);
  const peers = diffPeers(spec, slot, name, known, found?.peers ?? []);
  return {
    drift: [...drift, ...peers.drift],
    operations: [
      ...(Object.keys(change).length > 0 ? [{ type: 'SetWireGuard', slot, name, change } as const] : []),
      ...peers.operations,
    ],
  };
}

/** Creates the whole interface: create and configure the link in the home netns, move it, add addresses, bring it up. */
function make(spec: WireGuardInterfaceSpec, want: WantedLink, known: Knowledge): KernelOperation[] {
  const { name, mark, link } = want;
  return [
    { type: 'CreateLink', slot: 'home', name, mark, link, ...withoutUndefined({ mtu: want.mtu }) },
    ...diffDevice(spec, 'home', known, undefined).operations,
    ...settle(spec, want),
  ];
}

/** Moves a configured link from the home netns to its place and brings it up. */
function settle(spec: WireGuardInterfaceSpec, want: WantedLink): KernelOperation[] {
  const { name, slot } = want;
  return [
    ...(spec.moveToContainer ? [{ type: 'MoveLink', from: 'home', slot, name } as const] : []),
    ...want.addresses.map((address) => addAddress(want, address)),
    { type: 'ChangeLink', slot, name, change: { up: true, addrGenMode: 'none' } },
  ];
}

/** Links of the wrong kind with our mark, in place and at home. */
function clear(want: WantedLink, links: [Slot, ObservedLinkOrNone][]): KernelOperation[] {
  return links.flatMap(([slot, link]) => (link ? [remove(slot, link, want.mark, ['kind'])] : []));
}

const netnsOf = (place: NonNullable<Knowledge['places']>['home']): string | null =>
  place && 'netns' in place ? place.netns : null;

/** Whether the netns that holds the tunnel's UDP socket is no longer the agent's: the link looks healthy but passes no traffic. */
function orphaned(slot: Slot, { birth, places }: Knowledge): boolean {
  const home = places?.home;
  return slot !== 'home' && birth !== undefined && home !== undefined && 'netns' in home && home.netns !== birth;
}

type ObservedLinkOrNone = Observed['links'][Slot];

/** A WireGuard interface. Its UDP socket stays in the netns where the link was created, wherever the link is moved. */
export const wireguard: KindRules<WireGuardInterfaceSpec> = {
  places: (spec) => [
    { slot: 'home', container: null },
    ...(spec.moveToContainer ? [{ slot: 'target' as const, container: spec.container ?? null }] : []),
  ],
  // A link on its way to a container needs its name at home, too, until it has moved.
  names: (spec) => [{ slot: finalSlot(spec), name: spec.interfaceName }],
  devices: () => [],
  secrets: (spec) => [
    privateKeyRef,
    ...spec.peers.filter((peer) => peer.presharedKeySecretRef !== undefined).map((peer) => pskRef(peer.publicKey)),
  ],
  diff(spec, known, observed) {
    const slot = finalSlot(spec);
    const want: WantedLink = {
      slot,
      name: spec.interfaceName,
      mark: markOf(known.key),
      link: { kind: 'wireguard' },
      mtu: spec.mtu || defaultMtu,
      up: true,
      addresses: spec.addresses.map(fromFields),
    };
    const result = noDifference();
    const found = observed.links[slot];
    const atHome = slot === 'home' ? undefined : observed.links.home;
    if (found && ownership(want, found) === 'foreign') return { ...result, conflict: conflictWith(found) };
    if (found?.alias === want.mark && orphaned(slot, known)) {
      if (atHome && ownership(want, atHome) === 'foreign') return { ...result, conflict: conflictWith(atHome) };
      result.drift.push({ field: 'birth', wanted: netnsOf(known.places?.home), found: known.birth });
      result.operations.push(remove(slot, found, want.mark, ['birth']), ...make(spec, want, known));
      return result;
    }
    if (found?.kind === 'wireguard') {
      const device = diffDevice(spec, slot, known, found.wireguard);
      const link = diffAttributes(want, found);
      const adopt = found.alias === want.mark ? [] : [adoptLink(want, found)];
      if (adopt.length > 0) result.drift.push({ field: 'alias', wanted: want.mark, found: found.alias });
      result.drift.push(...link.drift, ...device.drift);
      result.operations.push(...adopt, ...link.operations, ...device.operations);
      if (atHome?.alias === want.mark) {
        result.drift.push({ field: 'link', wanted: null, found: atHome.name });
        result.operations.push(remove('home', atHome, want.mark));
      }
      return result;
    }
    result.drift.push({
      field: found ? 'kind' : 'link',
      wanted: found ? 'wireguard' : want.name,
      found: found?.kind ?? null,
    });
    if (atHome && ownership(want, atHome) === 'foreign') return { ...noDifference(), conflict: conflictWith(atHome) };
    if (atHome?.kind === 'wireguard') {
      const home = { ...want, slot: 'home' as const };
      const { operations } = diffAttributes({ ...home, up: atHome.up, addresses: atHome.addresses }, atHome);
      result.operations.push(
        ...clear(want, [[slot, found]]),
        ...(atHome.alias === want.mark ? [] : [adoptLink(home, atHome)]),
        ...operations,
        ...diffDevice(spec, 'home', known, atHome.wireguard).operations,
        ...settle(spec, want),
      );
      return result;
    }
    result.operations.push(
      ...clear(want, [
        [slot, found],
        ['home', atHome],
      ]),
      ...make(spec, want, known),
    );
    return result;
  },
};

const adoptLink = (want: WantedLink, { name, index }: { name: string; index: number }): KernelOperation => ({
  type: 'AdoptLink',
  slot: want.slot,
  name,
  index,
  mark: want.mark,
});
