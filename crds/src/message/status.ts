import { z } from 'zod';
import { extensible } from './extensible.ts';

/** The states of the lifecycle machine, as they stand in `status.state` and in the `ifactor-state` header. */
export const states = [
  'pending',
  'creating',
  'configured',
  'moved-to-netns',
  'drifted',
  'failed',
  'deleting',
  'deleted',
] as const;
export type State = (typeof states)[number];

/** A condition after the Kubernetes conventions: reason in CamelCase, a message that says what to do. */
export const ConditionSchema = z.object({
  type: z.string().max(316).describe('What the condition is about, in CamelCase; Ready sums up the others.'),
  status: z.enum(['True', 'False', 'Unknown']).describe('Whether the condition holds.'),
  observedGeneration: z.int().min(0).optional().describe('The metadata.generation this was decided for.'),
  lastTransitionTime: z.iso.datetime().describe('When the status last changed.'),
  reason: z.string().max(1024).describe('One word in CamelCase for the last change.'),
  message: z.string().max(32768).describe('What happened and what to do, in a sentence.'),
});
export type Condition = z.infer<typeof ConditionSchema>;

const NetlinkStatusSchema = extensible({
  index: z.int().describe("The kernel's interface index, in its netns."),
  mtu: z.int().describe('Maximum transmission unit, in bytes.'),
  flags: z.array(z.string()).describe('Interface flags as `ip link` prints them.'),
  operState: z.string().describe('Operational state as `ip link` prints it.'),
  addresses: z.array(z.string()).describe('Addresses, "LOCAL/LEN" or "LOCAL -> PEER/LEN".'),
  netns: z.string().describe('Inode of the network namespace that the link is in.'),
});

const PeerStatusSchema = extensible({
  publicKey: z.string().describe("The peer's public key, base64."),
  endpoint: z.string().optional().describe('Where the peer was last heard, "host:port".'),
  allowedIPs: z.array(z.string()).describe('Networks routed to the peer.'),
  lastHandshakeTime: z.iso.datetime().optional().describe('The last handshake; reported at most every 30 s.'),
  persistentKeepalive: z.int().optional().describe('Seconds between keepalives; absent when off.'),
});

const WireGuardStatusSchema = extensible({
  publicKey: z.string().optional().describe("The interface's own public key, base64."),
  listenPort: z.int().describe('UDP port in the netns of birth.'),
  peers: z.array(PeerStatusSchema).describe('Peers as the kernel has them.'),
});

/**
 * `/status` of a WireGuardInterface and of a NetlinkInterface. States and fields that a later version of the agent knows are passed on
 * as they are: the bridge, the CRD and the API server may be older.
 */
export const InterfaceStatusSchema = extensible({
  state: z
    .string()
    .max(63)
    .optional()
    .describe(`Where the interface is in its life: ${states.join(', ')}; a later version may know more.`),
  observedGeneration: z.int().min(0).optional().describe('The metadata.generation that this status answers.'),
  conditions: z.array(ConditionSchema).optional().describe('Ready, with the reason why not.'),
  hostname: z.string().optional().describe('Host name of the machine the agent runs on.'),
  nodename: z.string().optional().describe("The agent's node name."),
  netlink: NetlinkStatusSchema.optional().describe('The link as the kernel shows it.'),
  wireguard: WireGuardStatusSchema.optional().describe('The WireGuard device as the kernel shows it.'),
  lastEvent: extensible({
    sequence: z.int().describe("Position in the node's event log."),
    type: z.string().describe("The event's type."),
    time: z.iso.datetime().describe('When it happened.'),
  })
    .optional()
    .describe('The place in the event log that this status was folded up to.'),
});
export type InterfaceStatus = z.infer<typeof InterfaceStatusSchema>;

/**
 * What an agent publishes on `ifactor.status.…`. The status is of the object with this uid: one of another uid is of
 * an earlier life. `hash` is the digest of the folded snapshot, for `ifactor replay --verify`.
 */
export const StatusMessageSchema = extensible({
  uid: z.string(),
  kind: z.string(),
  namespace: z.string(),
  name: z.string(),
  node: z.string(),
  hash: z.string(),
  status: InterfaceStatusSchema,
});
export type StatusMessage = z.infer<typeof StatusMessageSchema>;

/** An agent's entry in the KV bucket `ifactor_nodes`, renewed every `heartbeatSeconds`. */
export const NodeEntrySchema = extensible({
  node: z.string(),
  hostname: z.string(),
  version: z.string(),
  machine: z.int(),
  /** Public nkeys curve key that secrets for this node are sealed to. */
  sealKey: z.string(),
  /** Identifies the agent's state folder: two agents of one node name differ here. */
  journal: z.string(),
  /** Identifies the agent's run. */
  instance: z.string(),
  /**
   * Events cannot be stored, and why. While they wait in memory interfaces are healed as ever; `parked`: there is no room for more of
   * them, so that nothing is decided until they can be stored.
   */
  trouble: extensible({ parked: z.boolean(), message: z.string() }).optional(),
  time: z.iso.datetime(),
});
export type NodeEntry = z.infer<typeof NodeEntrySchema>;
export const heartbeatSeconds = 10;
