import { z } from 'zod';
import {
  ConfirmSchema,
  confirmText,
  ModeSchema,
  modeText,
  ContainerSelectorSchema,
  interfaceAddresses,
  keySchema,
  KeySchema,
  NodeSchema,
  PortSchema,
  SecretRefSchema,
  SMALL_PACKETS,
  WireGuardMtuSchema,
  moveNeedsContainer,
} from './common.ts';
import { keyed, ruled } from './rule.ts';
import type { Rule } from './rule.ts';
import { interfaceNameSchema, matching, patterned, patterns } from './text.ts';

const ALLOWED = 'allowedIPs must be networks such as 10.4.0.0/16, 10.4.0.2/32 or 2001:db8::/32';
const ENDPOINT = 'endpoint must be HOST:PORT or [IPv6]:PORT, with a port from 1 to 65535';

export const WireGuardPeerSchema = z.object({
  publicKey: keySchema('publicKey ').describe("The peer's public key: 32 bytes in base64. Identifies the peer."),
  allowedIPs: z
    .array(
      ruled(patterned(patterns.cidr, 49, ALLOWED), {
        rule: "self.contains('/')",
        message: ALLOWED,
        holds: (text) => text.includes('/'),
      }),
    )
    .max(400)
    .default([])
    .describe('Networks in CIDR form that are sent to and accepted from the peer. Exhaustive.'),
  endpoint: matching(patterns.endpoint, 270, ENDPOINT)
    .regex(new RegExp(patterns.endpointBrackets), { error: ENDPOINT })
    .optional()
    .describe(
      "Where the peer is reached: `host:port` or `[v6]:port`; the host may be a DNS name. An endpoint learned by roaming is kept until this field changes. A DNS name is resolved again after 135 s without a handshake, and at once when the node's addresses change. An endpoint written by hand is put back when no handshake came by it for 135 s. Absent: the peer speaks first.",
    ),
  persistentKeepalive: z
    .int()
    .min(0)
    .max(65535)
    .optional()
    .describe('Seconds between keepalive packets. Absent or 0: none are sent.'),
  presharedKeySecretRef: SecretRefSchema.optional().describe(
    'Secret with the preshared key. Absent: no preshared key.',
  ),
});
export type WireGuardPeer = z.infer<typeof WireGuardPeerSchema>;

const MOST_ALLOWED = 10_000;
const allowedInAll: Rule<WireGuardPeer[]> = {
  rule: `self.map(p, has(p.allowedIPs) ? size(p.allowedIPs) : 0).sum() <= ${MOST_ALLOWED}`,
  message: `peers must have at most ${MOST_ALLOWED} allowedIPs in all`,
  holds: (peers) => peers.reduce((sum, { allowedIPs }) => sum + allowedIPs.length, 0) <= MOST_ALLOWED,
};

export const WireGuardInterfaceSpecSchema = ruled(
  z.object({
    node: NodeSchema,
    interfaceName: interfaceNameSchema('interfaceName').describe(
      'Name of the interface in the kernel: 1 to 15 bytes, no "/", no white space.',
    ),
    moveToContainer: z
      .boolean()
      .default(false)
      .describe(
        "False: the interface stays in the agent's netns and container is ignored. True: it is created and configured there, then moved into the container; its UDP socket stays in the agent's netns.",
      ),
    container: ContainerSelectorSchema.optional().describe(
      'Where the interface is moved to when moveToContainer is true.',
    ),
    addresses: interfaceAddresses
      .default([])
      .describe(
        "Addresses of the interface. Exhaustive: an address that is not listed is removed, the kernel's own link-local included.",
      ),
    listenPort: PortSchema.optional().describe(
      'UDP port. Absent or 0: chosen by the kernel and kept for the life of the interface.',
    ),
    mtu: WireGuardMtuSchema,
    privateKey: KeySchema.optional().describe(
      'Private key: 32 bytes in base64. Takes precedence over privateKeySecretRef, which is to be preferred: whoever may read the object reads this.',
    ),
    privateKeySecretRef: SecretRefSchema.optional().describe(
      'Secret with the private key. Neither this nor privateKey given: the node generates a key, which never leaves it.',
    ),
    fwmark: z
      .int()
      .min(0)
      .max(4294967295)
      .optional()
      .describe('Mark (SO_MARK) on the encrypted packets, for policy routing. Absent or 0: none.'),
    peers: ruled(keyed(z.array(WireGuardPeerSchema).max(1000), 'publicKey'), allowedInAll)
      .default([])
      .describe(
        'Peers, keyed by publicKey. Exhaustive: a peer that is not listed is removed. At most 1000, with at most 10000 allowedIPs in all: more does not fit into one object of Kubernetes (1.5 MB) together with its status.',
      ),
    mode: ModeSchema.optional().describe(modeText),
    confirm: ConfirmSchema.optional().describe(confirmText),
  }),
  moveNeedsContainer,
  {
    rule: `self.mtu == 0 || self.mtu >= 1280 || !self.addresses.exists(a, a.family == 'inet6')`,
    message: SMALL_PACKETS,
    holds: ({ mtu, addresses }) => mtu === 0 || mtu >= 1280 || !addresses.some(({ family }) => family === 'inet6'),
  },
);
export type WireGuardInterfaceSpec = z.infer<typeof WireGuardInterfaceSpecSchema>;
