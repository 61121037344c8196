import { z } from 'zod';
import { extensible } from './extensible.ts';

/** The states of the lifecycle machine, as in `status.state` and in the `ifactor-state` header. */
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

/**
 * Limits of an agent's status: entries of lists and characters of texts. The agent sends the first entries of a longer list, such as
 * addresses that another program added to the link; the bridge refuses a status beyond the limits.
 */
export const statusLimits = { flags: 64, addresses: 512, peers: 1000, allowedIPs: 400, conditions: 16 } as const;
const word = z.string().max(63);
const name = z.string().max(253);
const networkText = z.string().max(120);
const keyText = z.string().max(64);

const NetlinkStatusSchema = extensible({
  index: z.int().describe("The kernel's interface index, in its netns."),
  mtu: z.int().describe('Maximum transmission unit, in bytes.'),
  flags: z.array(word).max(statusLimits.flags).describe('Interface flags as `ip link` prints them.'),
  operState: word.describe('Operational state as `ip link` prints it.'),
  addresses: z
    .array(networkText)
    .max(statusLimits.addresses)
    .describe('Addresses, "LOCAL/LEN" or "LOCAL -> PEER/LEN".'),
  netns: word.describe('Inode of the network namespace that the link is in.'),
});

const PeerStatusSchema = extensible({
  publicKey: keyText.describe("The peer's public key, base64."),
  endpoint: z.string().max(300).optional().describe('Address that the peer last sent from, "host:port".'),
  allowedIPs: z.array(networkText).max(statusLimits.allowedIPs).describe('Networks routed to the peer.'),
  lastHandshakeTime: z.iso.datetime().optional().describe('The last handshake; reported at most every 30 s.'),
  persistentKeepalive: z.int().optional().describe('Seconds between keepalives; absent when off.'),
});

const WireGuardStatusSchema = extensible({
  publicKey: keyText.optional().describe("The interface's own public key, base64."),
  listenPort: z.int().describe('UDP port, in the netns where the link was created.'),
  peers: z.array(PeerStatusSchema).max(statusLimits.peers).describe('Peers as the kernel has them.'),
});

/**
 * `/status` of a WireGuardInterface and of a NetlinkInterface. States and fields of a later version of the agent are passed on
 * unchanged: the bridge, the CRD and the API server may be older.
 */
export const InterfaceStatusSchema = extensible({
  state: z
    .string()
    .max(63)
    .optional()
    .describe(`State of its lifecycle: ${states.join(', ')}; a later version may know more.`),
  observedGeneration: z.int().min(0).optional().describe('The metadata.generation that this status answers.'),
  conditions: z
    .array(ConditionSchema)
    .max(statusLimits.conditions)
    .optional()
    .describe('Ready, with the reason why not.'),
  hostname: name.optional().describe('Host name of the machine the agent runs on.'),
  nodename: name.optional().describe("The agent's node name."),
  netlink: NetlinkStatusSchema.optional().describe('The link as the kernel shows it.'),
  wireguard: WireGuardStatusSchema.optional().describe('The WireGuard device as the kernel shows it.'),
  lastEvent: extensible({
    sequence: z.int().describe("Position in the node's event log."),
    type: word.describe("The event's type."),
    time: z.iso.datetime().describe('When it happened.'),
  })
    .optional()
    .describe('The place in the event log that this status was folded up to.'),
});
export type InterfaceStatus = z.infer<typeof InterfaceStatusSchema>;

/**
 * Payload on `ifactor.status.…`, published by an agent. The status is of the object with this uid; one with another uid is of
 * an earlier object of the name. `hash` is the digest of the folded snapshot, for `ifactor replay --verify`.
 */
export const StatusMessageSchema = extensible({
  uid: name,
  kind: word,
  namespace: name,
  name,
  node: name,
  hash: name,
  status: InterfaceStatusSchema,
});
export type StatusMessage = z.infer<typeof StatusMessageSchema>;

/** An agent's entry in the KV bucket `ifactor_nodes`, renewed every `heartbeatSeconds`. */
export const NodeEntrySchema = extensible({
  node: name,
  hostname: name,
  version: name,
  machine: z.int(),
  /** Public nkeys curve key to which secrets for this node are sealed. */
  sealKey: name,
  /** Identifies the agent's state folder: it differs between two agents with the same node name. */
  journal: name,
  /** Identifies the agent's run. */
  instance: name,
  /**
   * Why events cannot be stored. While they are buffered in memory, interfaces are still repaired; `parked`: the buffer is full, so
   * no decision is made until events can be stored.
   */
  trouble: extensible({ parked: z.boolean(), message: z.string().max(32768) }).optional(),
  /**
   * Number of objects whose last message the agent refused, and the latest of them: its `subject`, why, and since when. What was accepted
   * before is still repaired.
   */
  refused: extensible({
    objects: z.int(),
    reason: word,
    subject: z.string().max(1100),
    since: z.iso.datetime(),
  }).optional(),
  time: z.iso.datetime(),
});
export type NodeEntry = z.infer<typeof NodeEntrySchema>;
export const heartbeatSeconds = 10;
