import type { Key, LinkKind, NetlinkInterfaceSpec } from '@ifactor/crds';
import { fromCIDR } from './address.ts';
import type { Driver } from './driver.ts';
import type { WantedLink } from './link.ts';
import { markOf } from './mark.ts';

/** What the kinds share that are one link, made in the netns where it stays. */
export const placed: Pick<Driver<NetlinkInterfaceSpec>, 'places' | 'names' | 'secrets' | 'devices'> = {
  places: (spec) => [{ slot: 'target', container: spec.container ?? null }],
  names: (spec) => [{ slot: 'target', name: spec.interfaceName }],
  secrets: () => [],
  devices: () => [],
};

/** The one link of a NetlinkInterface. */
export const wantedLink = (spec: NetlinkInterfaceSpec, key: Key, link: LinkKind): WantedLink => ({
  slot: 'target',
  name: spec.interfaceName,
  mark: markOf(key),
  link,
  ...(spec.mtu === undefined ? {} : { mtu: spec.mtu }),
  up: spec.up,
  addresses: spec.addresses.map(fromCIDR),
});
