/** The kinds of link that a NetlinkInterface supports. To add one, add its file and its line here; the order is that of the CRD. */
import type { Shape } from './definition.ts';
import { bridge } from './bridge.ts';
import { dummy } from './dummy.ts';
import { gre } from './gre.ts';
import { ipip } from './ipip.ts';
import { macvlan } from './macvlan.ts';
import { veth } from './veth.ts';
import { vlan } from './vlan.ts';
import { vrf } from './vrf.ts';
import { vxlan } from './vxlan.ts';
import type { z } from 'zod';

export const netlinkKinds = { dummy, bridge, vxlan, veth, vlan, macvlan, vrf, ipip, gre };
export type NetlinkKinds = typeof netlinkKinds;

export type NetlinkType = keyof NetlinkKinds;
export const netlinkTypes = Object.keys(netlinkKinds) as [NetlinkType, ...NetlinkType[]];
export const isNetlinkType = (kind: string): kind is NetlinkType => Object.hasOwn(netlinkKinds, kind);

/** What a spec says in the section of a kind. */
export type Section<K extends NetlinkType> = z.output<NetlinkKinds[K]['section']>;

/** Observed attributes that only this kind has; contains only kinds with attributes of their own. */
export type KindAttributes = {
  [K in NetlinkType as NetlinkKinds[K] extends { attributes: object } ? K : never]: NetlinkKinds[K] extends {
    attributes: Shape<infer A>;
  }
    ? A
    : never;
};

/** What is needed to create a link of each kind. */
export type KindCreation = {
  [K in NetlinkType]: K extends keyof KindAttributes
    ? { [A in K]: KindAttributes[K] }
    : NetlinkKinds[K] extends { creation: Shape<infer C> }
      ? C
      : unknown;
};
