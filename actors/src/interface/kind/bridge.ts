import type { NetlinkInterfaceSpec } from '@ifactor/crds';
import type { KindRules } from '../diff/rules.ts';
import { diffLink } from '../diff/link.ts';
import { singleLink, wantedLink } from '../diff/singleLink.ts';
import { withSlaves } from '../diff/slaves.ts';

const slavesOf = (spec: NetlinkInterfaceSpec): string[] => spec.bridge?.slaves ?? [];

/** A bridge and its slaves. */
export const bridge: KindRules<NetlinkInterfaceSpec> = {
  ...singleLink,
  devices: slavesOf,
  diff(spec, known, observed) {
    const wanted = slavesOf(spec);
    // A bridge takes its MAC address from its slaves, so it gets the same one when they are enslaved again.
    const { key } = known;
    const want = wantedLink(spec, wanted.length === 0 ? known : { key }, { kind: 'bridge' });
    return withSlaves(diffLink(want, observed.links.target), { kind: 'bridge', name: want.name, wanted }, observed);
  },
};
