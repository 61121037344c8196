import { z } from 'zod';
import { interfaceNameSchema, IPV4, matching, unlike, unspecified } from '../text.ts';
import { shape } from './definition.ts';
import type { KindDefinition } from './definition.ts';

const address = (what: string): z.ZodString =>
  unlike(matching(`^${IPV4}$`, 15, `${what} must be an IPv4 address`), unspecified, `${what} must not be 0.0.0.0`);

/** Common fields of tunnels of IPv4 packets. */
export const tunnel = {
  remote: address('remote').describe('Address of the far end.'),
  local: address('local').optional().describe("Source address of the outer packets. Absent: the kernel's choice."),
  dev: interfaceNameSchema('dev')
    .optional()
    .describe('Interface in the same netns that the outer packets leave by; waited for. Absent: as routed.'),
  ttl: z.int().min(0).max(255).optional().describe('TTL of the outer packets. Absent or 0: that of the inner ones.'),
  tos: z.int().min(0).max(255).optional().describe('TOS byte of the outer packets; 1 copies the inner one. Absent: 0.'),
};

/** For an IP-in-IP tunnel. `ttl` 0: copied from the inner packet. */
export type ObservedTunnel = {
  dev: string | null;
  local: string | null;
  remote: string | null;
  ttl: number;
  tos: number;
};

export const ipip = {
  section: z.object(tunnel),
  required: true,
  text: 'Settings of an IP-in-IP tunnel; required when type is ipip.',
  attributes: shape<ObservedTunnel>(),
} satisfies KindDefinition;
