import { z } from 'zod';
import {
  ConfirmSchema,
  confirmText,
  ModeSchema,
  modeText,
  ContainerSelectorSchema,
  DeepInterfaceAddressSchema,
  DeepNodeNameSchema,
  KeySchema,
  NodeNameSchema,
  PortRangeSchema,
  SecretRefSchema,
  WireGuardMtuSchema,
  moveNeedsContainer,
} from './common.ts';
import { keyed, ruled } from './rule.ts';
import { matching, patterns } from './text.ts';

const HOSTNAME = 'hostname must be a host name or an IP address, without a port';

const PlanNodeSchema = ruled(
  z.object({
    nodeName: NodeNameSchema.describe('Name of the node, as its agent was given it.'),
    underlay: z
      .object({
        hostname: matching(patterns.host, 253, HOSTNAME)
          .regex(new RegExp(patterns.hostColons), { error: HOSTNAME })
          .describe('Host name or IP address under which the other nodes reach this one.'),
        portRange: PortRangeSchema.optional().describe("UDP ports of this node's links. Absent: defaultPortRange."),
      })
      .optional()
      .describe(
        'How the node is reached. Absent: it is behind NAT, its peers have no endpoint and it keeps the way open.',
      ),
    privateKey: KeySchema.optional().describe(
      "Private key of all the node's links: 32 bytes in base64. Moved to a Secret that the plan owns. Takes precedence over privateKeyRef.",
    ),
    privateKeyRef: SecretRefSchema.optional().describe(
      "Secret with the private key of all the node's links. Neither given: the node generates one per link.",
    ),
    mtu: WireGuardMtuSchema,
    addresses: z
      .array(DeepInterfaceAddressSchema)
      .max(32)
      .default([])
      .describe('Addresses on every interface of the node.'),
    moveToContainer: z
      .boolean()
      .default(false)
      .describe("True: the node's interfaces are moved into the container. False: container is ignored."),
    container: ContainerSelectorSchema.optional().describe("Where the node's interfaces are moved to."),
  }),
  moveNeedsContainer,
);
export type PlanNode = z.infer<typeof PlanNodeSchema>;

const PlanLinkEndSchema = z.object({
  nodeName: DeepNodeNameSchema.describe('Name of the node at the far end.'),
  addresses: z
    .array(DeepInterfaceAddressSchema)
    .max(32)
    .default([])
    .describe("Addresses of the near end of this link, beside the node's."),
  overrideAddresses: z
    .boolean()
    .default(false)
    .describe("True: only the link's addresses are used, not the node's; an empty list then means none."),
});
export type PlanLinkEnd = z.infer<typeof PlanLinkEndSchema>;

const PlanLinkSchema = ruled(
  z.object({
    fromNode: NodeNameSchema.describe('Name of the node at the near end.'),
    toNodes: keyed(z.array(PlanLinkEndSchema).max(256), 'nodeName')
      .optional()
      .describe(
        'Far ends, keyed by nodeName: one interface on fromNode for each. At most 256; more go into another entry with the same fromNode.',
      ),
    toNode: NodeNameSchema.optional().describe(
      'The older spelling of toNodes for one far end without addresses of its own. Beside toNodes it is one more far end.',
    ),
  }),
  {
    rule: 'has(self.toNodes) || has(self.toNode)',
    message: 'toNodes is required: list the nodes that fromNode has a link to',
    holds: ({ toNodes, toNode }) => toNodes !== undefined || toNode !== undefined,
  },
);
export type PlanLink = z.infer<typeof PlanLinkSchema>;

const MOST_ENDS = 2500;

export const WireGuardNetworkPlanSpecSchema = z.object({
  nodes: keyed(z.array(PlanNodeSchema).max(500), 'nodeName')
    .default([])
    .describe('Nodes of the network, keyed by nodeName.'),
  defaultPortRange: PortRangeSchema.optional().describe(
    'UDP ports, both ends included, that links are given where the node has no underlay.portRange.',
  ),
  links: ruled(z.array(PlanLinkSchema).max(1000), {
    rule: `self.map(l, (has(l.toNodes) ? size(l.toNodes) : 0) + (has(l.toNode) ? 1 : 0)).sum() <= ${MOST_ENDS}`,
    message: `links must have at most ${MOST_ENDS} far ends in all`,
    holds: (links) =>
      links.reduce((sum, { toNodes = [], toNode }) => sum + toNodes.length + (toNode === undefined ? 0 : 1), 0) <=
      MOST_ENDS,
  })
    .default([])
    .describe(
      `Links from node to node. Both directions are needed; a missing one is added when the far node is in nodes. At most ${MOST_ENDS} far ends in all, a full mesh of 50 nodes: the status of more does not fit into one object of Kubernetes (1.5 MB).`,
    ),
  mode: ModeSchema.optional().describe(`Handed down to every interface of the plan. ${modeText}`),
  confirm: ConfirmSchema.optional().describe(`Handed down to every interface of the plan. ${confirmText}`),
});
export type WireGuardNetworkPlanSpec = z.infer<typeof WireGuardNetworkPlanSpecSchema>;

/** The far ends of a link in either spelling; `toNodes` takes precedence over an equal `toNode`. */
export function linkEnds({ toNodes = [], toNode }: PlanLink): PlanLinkEnd[] {
  if (toNode === undefined || toNodes.some(({ nodeName }) => nodeName === toNode)) return [...toNodes];
  return [...toNodes, { nodeName: toNode, addresses: [], overrideAddresses: false }];
}
