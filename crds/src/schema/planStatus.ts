import { z } from 'zod';
import { ConditionSchema } from '../message/status.ts';
import { keyed } from './rule.ts';

/** One direction of a link with its allocation, stored so that no other change renumbers it. */
const PlanAllocationSchema = z.object({
  fromNode: z.string().describe('Node at the near end.'),
  toNode: z.string().describe('Node at the far end.'),
  index: z.int().min(0).describe("The link's number on fromNode: the last part of the child's name."),
  name: z.string().describe('Name of the child and of its interface in the kernel.'),
  listenPort: z
    .int()
    .min(0)
    .max(65535)
    .optional()
    .describe('UDP port given to the near end; absent where the kernel chooses.'),
});
export type PlanAllocation = z.infer<typeof PlanAllocationSchema>;

const PlanInterfaceStatusSchema = z.object({
  nodeName: z.string().describe('Node that the interface is on.'),
  hostName: z.string().optional().describe("Host name of that node's machine."),
  wgObjectRef: z
    .object({
      name: z.string().describe('Name of the WireGuardInterface.'),
      namespace: z.string().describe('Its namespace.'),
    })
    .describe('The child that carries the interface.'),
  publicKey: z.string().optional().describe('Public key of the interface, base64; absent until the node reported it.'),
  listenPort: z.int().min(0).max(65535).optional().describe('UDP port that the interface listens on.'),
  mtu: z.int().optional().describe('Largest packet, in bytes.'),
  addresses: z.array(z.string()).optional().describe('Addresses, "LOCAL -> PEER/LEN" or "LOCAL/LEN".'),
  lastHandshake: z.iso.datetime().optional().describe('The last handshake with the peer; reported at most every 30 s.'),
});
export type PlanInterfaceStatus = z.infer<typeof PlanInterfaceStatusSchema>;

/** `/status` of a WireGuardNetworkPlan. Never contains a private key. */
export const PlanStatusSchema = z.object({
  observedGeneration: z.int().min(0).optional().describe('The metadata.generation that this status answers.'),
  conditions: keyed(z.array(ConditionSchema), 'type')
    .optional()
    .describe('Ready, with the reason why not; other conditions name the links that are wrong.'),
  links: z.string().optional().describe('Interfaces that are ready and interfaces planned, such as "3/4".'),
  interfaces: z.array(PlanInterfaceStatusSchema).optional().describe('The interfaces that were created for the plan.'),
  allocations: keyed(z.array(PlanAllocationSchema), 'fromNode', 'toNode')
    .optional()
    .describe('Numbers, names and ports given to links; kept while the link is in the plan.'),
});
export type PlanStatus = z.infer<typeof PlanStatusSchema>;
