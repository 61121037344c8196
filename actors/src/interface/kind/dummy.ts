import type { NetlinkInterfaceSpec } from '@ifactor/crds';
import type { Driver } from '../diff/driver.ts';
import { diffLink } from '../diff/link.ts';
import { singleLink, wantedLink } from '../diff/singleLink.ts';

/** A dummy: a link that carries addresses and drops what is sent. */
export const dummy: Driver<NetlinkInterfaceSpec> = {
  ...singleLink,
  diff: (spec, known, observed) => diffLink(wantedLink(spec, known, { kind: 'dummy' }), observed.links.target),
};
