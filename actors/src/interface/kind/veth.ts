import { vethEnds } from '@ifactor/crds';
import type { KernelOperation, NetlinkInterfaceSpec, ObservedLink } from '@ifactor/crds';
import { fromCIDR } from '../diff/address.ts';
import { withoutUndefined } from '../diff/withoutUndefined.ts';
import type { KindRules, Knowledge } from '../diff/rules.ts';
import { addAddress, conflictWith, create, diffLink, noDifference, ownership, remove } from '../diff/link.ts';
import type { WantedLink } from '../diff/link.ts';
import { markOf } from '../diff/mark.ts';

function ends(spec: NetlinkInterfaceSpec, { key, macs }: Knowledge): { near: WantedLink; far: WantedLink } {
  const { local, peer } = vethEnds(spec);
  const shared = { up: spec.up, ...withoutUndefined({ mtu: spec.mtu }) };
  const link = { kind: 'veth', peer: peer.interfaceName } as const;
  return {
    near: {
      ...shared,
      ...macs,
      slot: 'target',
      name: local.interfaceName,
      mark: markOf(key),
      link,
      addresses: local.addresses.map(fromCIDR),
    },
    far: {
      ...shared,
      slot: 'peer',
      name: peer.interfaceName,
      mark: markOf(key, 'peer'),
      link,
      addresses: peer.addresses.map(fromCIDR),
    },
  };
}

/** Creates both ends in one request: the far end is created in its target netns. */
const createPair = (near: WantedLink, far: WantedLink): KernelOperation[] => [
  ...create(near),
  ...far.addresses.map((address) => addAddress(far, address)),
];

/** Whether the two links are the ends of one pair. */
const paired = (near: ObservedLink, far: ObservedLink): boolean =>
  near.peerIndex === far.index && far.peerIndex === near.index;

/** A veth pair: one resource owns both ends, each in a netns of its own. */
export const veth: KindRules<NetlinkInterfaceSpec> = {
  places(spec) {
    const { local, peer } = vethEnds(spec);
    return [
      { slot: 'target', container: local.container ?? null },
      { slot: 'peer', container: peer.container ?? null },
    ];
  },
  names(spec) {
    const { local, peer } = vethEnds(spec);
    return [
      { slot: 'target', name: local.interfaceName },
      { slot: 'peer', name: peer.interfaceName },
    ];
  },
  devices: () => [],
  secrets: () => [],
  diff(spec, known, observed) {
    const { near, far } = ends(spec, known);
    const found = { near: observed.links.target, far: observed.links.peer };
    for (const [want, link] of [
      [near, found.near],
      [far, found.far],
    ] as const) {
      if (link && ownership(want, link) === 'foreign') return { ...noDifference(), conflict: conflictWith(link) };
    }
    if (found.near?.kind === 'veth' && found.far?.kind === 'veth' && paired(found.near, found.far)) {
      const [a, b] = [diffLink(near, found.near), diffLink(far, found.far)];
      return { ...noDifference(), drift: [...a.drift, ...b.drift], operations: [...a.operations, ...b.operations] };
    }
    // A pair that lost one end cannot be repaired: delete the remaining end and recreate both. The end of a foreign pair is left alone.
    const result = noDifference();
    for (const [want, link] of [
      [near, found.near],
      [far, found.far],
    ] as const) {
      if (link && ownership(want, link) !== 'ours') return { ...noDifference(), conflict: conflictWith(link) };
      if (!link) result.drift.push({ field: 'link', wanted: want.name, found: null });
      else result.operations.push(remove(want.slot, link, want.mark));
      if (link && link.kind !== 'veth') result.drift.push({ field: 'kind', wanted: 'veth', found: link.kind });
    }
    if (result.drift.length === 0) {
      result.drift.push({ field: 'veth.peer', wanted: far.name, found: 'gone, or the end of another pair' });
    }
    result.operations.push(...createPair(near, far));
    return result;
  },
};
