import { z } from 'zod';
import { interfaceNameSchema, IPV4, matching } from '../text.ts';

const address = (what: string): z.ZodString => matching(`^${IPV4}$`, 15, `${what} must be an IPv4 address`);

/** What tunnels of IPv4 packets have in common. */
export const tunnel = {
  remote: address('remote').describe('Address of the far end.'),
  local: address('local').optional().describe("Source address of the outer packets. Absent: the kernel's choice."),
  dev: interfaceNameSchema('dev')
    .optional()
    .describe('Interface in the same netns that the outer packets leave by; waited for. Absent: as routed.'),
  ttl: z.int().min(0).max(255).optional().describe('TTL of the outer packets. Absent or 0: that of the inner ones.'),
  tos: z.int().min(0).max(255).optional().describe('TOS byte of the outer packets; 1 copies the inner one. Absent: 0.'),
};

export const IpipSchema = z.object(tunnel);
export type IpipSpec = z.infer<typeof IpipSchema>;
