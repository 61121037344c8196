import type { NetlinkInterfaceSpec } from '@ifactor/crds';
import type { Driver } from './driver.ts';
import { diffLink } from './link.ts';
import { placed, wantedLink } from './placed.ts';
import { withSlaves } from './slaves.ts';

const slavesOf = (spec: NetlinkInterfaceSpec): string[] => spec.bridge?.slaves ?? [];

/** A bridge and its slaves. */
export const bridge: Driver<NetlinkInterfaceSpec> = {
  ...placed,
  devices: slavesOf,
  diff(spec, known, observed) {
    const wanted = slavesOf(spec);
    // A bridge takes its address from its slaves, and so has the same again when they come back.
    const { key } = known;
    const want = wantedLink(spec, wanted.length === 0 ? known : { key }, { kind: 'bridge' });
    return withSlaves(diffLink(want, observed.links.target), { kind: 'bridge', name: want.name, wanted }, observed);
  },
};
