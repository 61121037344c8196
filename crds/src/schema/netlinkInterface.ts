import { z } from 'zod';
import { ConfirmSchema, confirmText, NodeSchema, PlacedContainerSchema } from './common.ts';
import type { ContainerSelector } from './common.ts';
import { GreSchema } from './kind/gre.ts';
import { IpipSchema } from './kind/ipip.ts';
import { MacvlanSchema } from './kind/macvlan.ts';
import { ruled, transitions } from './rule.ts';
import { slavesSchema } from './slaves.ts';
import { celString, interfaceNameSchema, patterns } from './text.ts';
import { VlanSchema } from './kind/vlan.ts';
import { VrfSchema } from './kind/vrf.ts';
import { VxlanSchema } from './kind/vxlan.ts';

const ip = new RegExp(patterns.ip);
const cidr = new RegExp(patterns.addressCidr);

/** An address of a NetlinkInterface. */
export const NetlinkAddressSchema = ruled(
  z.object({
    ipcidr: z.string().min(1).max(49).describe("The interface's own address: IP/LENGTH, or with peerCidr the bare IP."),
    peerCidr: z
      .string()
      .min(1)
      .max(49)
      .optional()
      .describe('Address of the far end of a point-to-point link, IP/LENGTH; host bits are kept.'),
  }),
  {
    rule: `has(self.peerCidr) || self.ipcidr.matches(${celString(patterns.addressCidr)})`,
    message: 'ipcidr must be IP/LENGTH, such as 10.2.3.1/24 or fe80::1/64, with a length of at least 1',
    holds: ({ ipcidr, peerCidr }) => peerCidr !== undefined || cidr.test(ipcidr),
  },
  {
    rule: `!has(self.peerCidr) || self.ipcidr.matches(${celString(patterns.ip)})`,
    message: 'ipcidr must be a bare IP address when peerCidr is given, which holds the length',
    holds: ({ ipcidr, peerCidr }) => peerCidr === undefined || ip.test(ipcidr),
  },
  {
    rule: `!has(self.peerCidr) || self.peerCidr.matches(${celString(patterns.addressCidr)})`,
    message: 'peerCidr must be IP/LENGTH, such as 10.99.4.1/32, with a length of at least 1',
    holds: ({ peerCidr }) => peerCidr === undefined || cidr.test(peerCidr),
  },
  {
    rule: `!has(self.peerCidr) || self.ipcidr.contains(':') == self.peerCidr.contains(':')`,
    message: 'ipcidr and peerCidr must be of the same family',
    holds: ({ ipcidr, peerCidr }) => peerCidr === undefined || ipcidr.includes(':') === peerCidr.includes(':'),
  },
);
export type NetlinkAddress = z.infer<typeof NetlinkAddressSchema>;
const addresses = z.array(NetlinkAddressSchema).max(64);

export const VethEndSchema = z.object({
  interfaceName: interfaceNameSchema('interfaceName').optional().describe('Name of this end, instead of the default.'),
  addresses: addresses.optional().describe('Addresses of this end. Exhaustive.'),
  container: PlacedContainerSchema.optional().describe('Where this end lives, instead of spec.container.'),
});
export type VethEndSpec = z.infer<typeof VethEndSchema>;

const VethSchema = ruled(
  z.object({
    local: VethEndSchema.optional().describe('The near end; what it leaves out is taken from the spec.'),
    peer: VethEndSchema.optional().describe(
      "The far end. Its name defaults to <interfaceName>-peer, its container to the spec's; it inherits no addresses.",
    ),
    localPeer: VethEndSchema.optional().describe('The older spelling of local.'),
    peerPeer: VethEndSchema.optional().describe('The older spelling of peer.'),
  }),
  {
    rule: '!(has(self.local) && has(self.localPeer))',
    message: 'give local or its older spelling localPeer, not both',
    holds: ({ local, localPeer }) => local === undefined || localPeer === undefined,
  },
  {
    rule: '!(has(self.peer) && has(self.peerPeer))',
    message: 'give peer or its older spelling peerPeer, not both',
    holds: ({ peer, peerPeer }) => peer === undefined || peerPeer === undefined,
  },
);

export const netlinkTypes = ['dummy', 'bridge', 'vxlan', 'veth', 'vlan', 'macvlan', 'vrf', 'ipip', 'gre'] as const;
export type NetlinkType = (typeof netlinkTypes)[number];

/** Ending of a veth peer's name where the spec gives none. */
export const VETH_PEER_SUFFIX = '-peer';

const base = z.object({
  node: NodeSchema,
  interfaceName: interfaceNameSchema('interfaceName').describe(
    'Name of the interface in the kernel: 1 to 15 bytes, no "/", no white space.',
  ),
  type: z.enum(netlinkTypes).describe('Kind of link. A change makes the link anew.'),
  up: z.boolean().describe('Wanted admin state: true is up. Holds for both ends of a veth.'),
  mtu: z
    .int()
    .min(68)
    .max(65535)
    .optional()
    .describe('Largest packet, in bytes. Absent: not managed. Holds for both ends of a veth.'),
  addresses: addresses
    .default([])
    .describe(
      "Addresses of the interface. Exhaustive: one that is not listed is removed, the kernel's own link-local included.",
    ),
  container: PlacedContainerSchema.optional().describe(
    "The netns that the interface is created in. Absent: the agent's own. Immutable.",
  ),
  confirm: ConfirmSchema.optional().describe(confirmText),
  dummy: z.object({}).optional().describe('Settings of a dummy: there are none.'),
  bridge: z
    .object({ slaves: slavesSchema('bridge') })
    .optional()
    .describe('Settings of a bridge. May be absent: a bridge without slaves.'),
  vxlan: VxlanSchema.optional().describe('Settings of a vxlan; required when type is vxlan.'),
  veth: VethSchema.optional().describe('Settings of a veth pair; required when type is veth, but may be empty.'),
  vlan: VlanSchema.optional().describe('Settings of a vlan; required when type is vlan.'),
  macvlan: MacvlanSchema.optional().describe('Settings of a macvlan; required when type is macvlan.'),
  vrf: VrfSchema.optional().describe('Settings of a vrf; required when type is vrf.'),
  ipip: IpipSchema.optional().describe('Settings of an IP-in-IP tunnel; required when type is ipip.'),
  gre: GreSchema.optional().describe('Settings of a GRE tunnel; required when type is gre.'),
});
type Base = z.output<typeof base>;

const section = (type: NetlinkType, required: boolean) => ({
  rule: required ? `has(self.${type}) == (self.type == '${type}')` : `!has(self.${type}) || self.type == '${type}'`,
  message: required
    ? `${type} is required when type is ${type}, and refused otherwise`
    : `${type} is only for type ${type}`,
  holds: (spec: Base) => (spec[type] === undefined ? !required || spec.type !== type : spec.type === type),
});

const nearName = (at: string): string =>
  `(has(${at}.local) && has(${at}.local.interfaceName) ? ${at}.local.interfaceName : has(${at}.localPeer) && has(${at}.localPeer.interfaceName) ? ${at}.localPeer.interfaceName : self.interfaceName)`;
const farName = (at: string): string =>
  `(has(${at}.peer) && has(${at}.peer.interfaceName) ? ${at}.peer.interfaceName : has(${at}.peerPeer) && has(${at}.peerPeer.interfaceName) ? ${at}.peerPeer.interfaceName : ${nearName(at)} + '${VETH_PEER_SUFFIX}')`;

export const NetlinkInterfaceSpecSchema = transitions(
  ruled(
    base,
    section('dummy', false),
    section('bridge', false),
    section('vxlan', true),
    section('veth', true),
    section('vlan', true),
    section('macvlan', true),
    section('vrf', true),
    section('ipip', true),
    section('gre', true),
    {
      rule: `!has(self.veth) || size(bytes(${farName('self.veth')})) <= 15`,
      message: `veth.peer.interfaceName is required here: the default <interfaceName>${VETH_PEER_SUFFIX} is longer than 15 bytes`,
      holds: (spec) =>
        spec.veth === undefined || new TextEncoder().encode(vethEnds(spec).peer.interfaceName).length <= 15,
    },
    {
      rule: `!has(self.veth) || (has(self.veth.peer) && has(self.veth.peer.container)) || (has(self.veth.peerPeer) && has(self.veth.peerPeer.container)) || (has(self.veth.local) && has(self.veth.local.container)) || (has(self.veth.localPeer) && has(self.veth.localPeer.container)) || ${nearName('self.veth')} != ${farName('self.veth')}`,
      message: 'the two ends of a veth in one netns must have different names',
      holds: (spec) => {
        if (spec.veth === undefined) return true;
        const { local, peer, localPeer, peerPeer } = spec.veth;
        if ([local, peer, localPeer, peerPeer].some((end) => end?.container !== undefined)) return true;
        const ends = vethEnds(spec);
        return ends.local.interfaceName !== ends.peer.interfaceName;
      },
    },
    ...(['bridge', 'vrf'] as const).map((type) => ({
      rule: `!has(self.${type}) || !has(self.${type}.slaves) || !self.${type}.slaves.exists(s, s == self.interfaceName)`,
      message: `${type}.slaves must not name the ${type} itself`,
      holds: (spec: Base) => !(spec[type]?.slaves.includes(spec.interfaceName) ?? false),
    })),
    ...(['vlan', 'macvlan'] as const).map((type) => ({
      rule: `!has(self.${type}) || self.${type}.dev != self.interfaceName`,
      message: `${type}.dev must not name the ${type} itself`,
      holds: (spec: Base) => spec[type]?.dev !== spec.interfaceName,
    })),
  ),
  {
    rule: 'has(self.container) == has(oldSelf.container) && (!has(self.container) || self.container == oldSelf.container)',
    message: 'container is immutable: delete the object and create it again for the other container',
  },
);
export type NetlinkInterfaceSpec = z.infer<typeof NetlinkInterfaceSpecSchema>;

/** One end of a veth with every default filled in; `container` undefined means the agent's own netns. */
export interface VethEnd {
  readonly interfaceName: string;
  readonly addresses: readonly NetlinkAddress[];
  readonly container: ContainerSelector | undefined;
}

/** Both ends of a veth, whichever way they are spelled. Reads any spec, one without `veth` as if it were empty. */
export function vethEnds(spec: Base): { local: VethEnd; peer: VethEnd } {
  const near = spec.veth?.local ?? spec.veth?.localPeer;
  const far = spec.veth?.peer ?? spec.veth?.peerPeer;
  const interfaceName = near?.interfaceName ?? spec.interfaceName;
  return {
    local: {
      interfaceName,
      addresses: near?.addresses ?? spec.addresses,
      container: near?.container ?? spec.container,
    },
    peer: {
      interfaceName: far?.interfaceName ?? `${interfaceName}${VETH_PEER_SUFFIX}`,
      addresses: far?.addresses ?? [],
      container: far?.container ?? spec.container,
    },
  };
}
