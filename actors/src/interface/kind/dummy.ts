import type { NetlinkInterfaceSpec } from '@ifactor/crds';
import type { KindRules } from '../diff/rules.ts';
import { diffLink } from '../diff/link.ts';
import { singleLink, wantedLink } from '../diff/singleLink.ts';

/** A dummy: a link that has addresses and drops every packet sent through it. */
export const dummy: KindRules<NetlinkInterfaceSpec> = {
  ...singleLink,
  diff: (spec, known, observed) => diffLink(wantedLink(spec, known, { kind: 'dummy' }), observed.links.target),
};
