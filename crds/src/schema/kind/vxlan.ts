import { z } from 'zod';
import { ruled } from '../rule.ts';
import { interfaceNameSchema, matching, patterns, unlike, unspecified } from '../text.ts';
import { shape } from './definition.ts';
import type { KindDefinition } from './definition.ts';

/** The UDP port that IANA assigned to VXLAN (RFC 7348); the kernel's own default, 8472, is older. */
const VXLAN_PORT = 4789;

const MULTICAST = '^(22[4-9]|23[0-9])\\\\.|^[fF][fF][0-9A-Fa-f]{2}:';
const multicast = /^(22[4-9]|23[0-9])\.|^[fF][fF][0-9A-Fa-f]{2}:/;
const address = (what: string): z.ZodString =>
  unlike(
    matching(patterns.ip, 45, `${what} must be an IPv4 or IPv6 address`),
    unspecified,
    `${what} must not be 0.0.0.0 or "::": leave it out instead`,
  );

const section = ruled(
  z.object({
    vni: z.int().min(1).max(16777215).describe('VXLAN network identifier, 1 to 16777215.'),
    dev: interfaceNameSchema('dev')
      .optional()
      .describe('Interface in the same netns that carries the packets; waited for. Required for a multicast group.'),
    local: address('local').optional().describe("Source address of the packets. Absent: the kernel's choice."),
    group: address('group')
      .optional()
      .describe("Where packets for unknown destinations go: a multicast group, or the one far end's unicast address."),
    port: z
      .int()
      .min(1)
      .max(65535)
      .default(VXLAN_PORT)
      .describe("UDP destination port. Absent: 4789, as IANA assigned (not the kernel's older default 8472)."),
    portRange: ruled(z.array(z.int().min(0).max(65535)).length(2), {
      rule: 'size(self) != 2 || self[0] <= self[1]',
      message: 'portRange must be [low, high] with low not greater than high',
      holds: ([low = 0, high = 0]) => low <= high,
    })
      .optional()
      .describe("UDP source ports [low, high], both included. Absent: the kernel's choice."),
    tos: z
      .int()
      .min(0)
      .max(255)
      .optional()
      .describe('TOS byte of the outer packets; 1 copies the inner one. Absent: 0.'),
    ttl: z.int().min(0).max(255).optional().describe("TTL of the outer packets. Absent or 0: the kernel's choice."),
    noLearning: z.boolean().default(false).describe('True: source addresses are not learned from packets.'),
    noAge: z.boolean().default(false).describe('True: learned addresses do not expire.'),
    proxyARP: z.boolean().default(false).describe('True: answers ARP and neighbour requests from its own table.'),
  }),
  {
    rule: `!has(self.local) || !has(self.group) || self.local.contains(':') == self.group.contains(':')`,
    message: 'local and group must be of the same family',
    holds: ({ local, group }) =>
      local === undefined || group === undefined || local.includes(':') === group.includes(':'),
  },
  {
    rule: `!has(self.group) || has(self.dev) || !self.group.matches('${MULTICAST}')`,
    message: 'dev is required when group is a multicast address',
    holds: ({ group, dev }) => group === undefined || dev !== undefined || !multicast.test(group),
  },
);

/** Attributes of a vxlan link; `dev` is the name of the lower device. */
type ObservedVxlan = {
  vni: number;
  dev: string | null;
  local: string | null;
  group: string | null;
  port: number;
  portRange: [number, number] | null;
  tos: number;
  ttl: number;
  learning: boolean;
  ageing: boolean;
  proxy: boolean;
};

export const vxlan = {
  section,
  required: true,
  text: 'Settings of a vxlan; required when type is vxlan.',
  attributes: shape<ObservedVxlan>(),
} satisfies KindDefinition;
