import { z } from 'zod';
import { PlacedContainerSchema } from '../common.ts';
import type { ContainerSelector } from '../common.ts';
import { netlinkAddresses } from '../netlinkAddress.ts';
import type { NetlinkAddress } from '../netlinkAddress.ts';
import { ruled } from '../rule.ts';
import type { Rule } from '../rule.ts';
import { interfaceNameSchema } from '../text.ts';
import { shape } from './definition.ts';
import type { CommonSpec, KindDefinition } from './definition.ts';

/** Suffix of the far end's name if the spec has none. */
const PEER_SUFFIX = '-peer';

const endSchema = z.object({
  interfaceName: interfaceNameSchema('interfaceName').optional().describe('Name of this end, instead of the default.'),
  addresses: netlinkAddresses.optional().describe('Addresses of this end. Exhaustive.'),
  container: PlacedContainerSchema.optional().describe(
    'The netns that this end is created in, instead of that of spec.container.',
  ),
});

const section = ruled(
  z.object({
    local: endSchema.optional().describe('The near end; what it leaves out is taken from the spec.'),
    peer: endSchema
      .optional()
      .describe(
        "The far end. Its name defaults to <interfaceName>-peer, its container to the spec's; it inherits no addresses.",
      ),
    localPeer: endSchema.optional().describe('The older spelling of local.'),
    peerPeer: endSchema.optional().describe('The older spelling of peer.'),
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

type Spec = CommonSpec & { veth?: z.output<typeof section> | undefined };

/** One end of a veth with every default filled in; `container` undefined means the agent's own netns. */
export interface VethEnd {
  readonly interfaceName: string;
  readonly addresses: readonly NetlinkAddress[];
  readonly container: ContainerSelector | undefined;
}

/** Both ends of a veth, in either spelling. Accepts any spec; one without `veth` counts as empty. */
export function vethEnds(spec: Spec): { local: VethEnd; peer: VethEnd } {
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
      interfaceName: far?.interfaceName ?? `${interfaceName}${PEER_SUFFIX}`,
      addresses: far?.addresses ?? [],
      container: far?.container ?? spec.container,
    },
  };
}

const nearName = (at: string): string =>
  `(has(${at}.local) && has(${at}.local.interfaceName) ? ${at}.local.interfaceName : has(${at}.localPeer) && has(${at}.localPeer.interfaceName) ? ${at}.localPeer.interfaceName : self.interfaceName)`;
const farName = (at: string): string =>
  `(has(${at}.peer) && has(${at}.peer.interfaceName) ? ${at}.peer.interfaceName : has(${at}.peerPeer) && has(${at}.peerPeer.interfaceName) ? ${at}.peerPeer.interfaceName : ${nearName(at)} + '${PEER_SUFFIX}')`;

const rules: readonly Rule<Spec>[] = [
  {
    rule: `!has(self.veth) || size(bytes(${farName('self.veth')})) <= 15`,
    message: `veth.peer.interfaceName is required here: the default <interfaceName>${PEER_SUFFIX} is longer than 15 bytes`,
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
];

export const veth = {
  section,
  required: true,
  text: 'Settings of a veth pair; required when type is veth, but may be empty.',
  rules,
  creation: shape<{ peer: string }>(),
  paired: true,
} satisfies KindDefinition;
