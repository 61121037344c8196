import type { LinkKind, NetlinkInterfaceSpec } from '@ifactor/crds';
import { fromCIDR } from './address.ts';
import { withoutUndefined } from './withoutUndefined.ts';
import type { KindRules, Knowledge } from './rules.ts';
import type { WantedLink } from './link.ts';
import { markOf } from './mark.ts';

/** Rules shared by the kinds that are one link, created in its target netns. */
export const singleLink: Pick<KindRules<NetlinkInterfaceSpec>, 'places' | 'names' | 'secrets' | 'devices'> = {
  places: (spec) => [{ slot: 'target', container: spec.container ?? null }],
  names: (spec) => [{ slot: 'target', name: spec.interfaceName }],
  secrets: () => [],
  devices: () => [],
};

/** The one link of a NetlinkInterface. A recreated link keeps its MAC address: neighbours have it in their caches. */
export const wantedLink = (
  spec: NetlinkInterfaceSpec,
  { key, macs }: Pick<Knowledge, 'key' | 'macs'>,
  link: LinkKind,
): WantedLink => ({
  slot: 'target',
  name: spec.interfaceName,
  mark: markOf(key),
  link,
  ...withoutUndefined({ mtu: spec.mtu, mac: macs?.mac }),
  up: spec.up,
  addresses: spec.addresses.map(fromCIDR),
});
