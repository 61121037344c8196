import { z } from 'zod';
import { ruled } from './rule.ts';
import { celString, patterns } from './text.ts';

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
/** `addresses` of an interface, or of one end of a veth. */
export const netlinkAddresses = z.array(NetlinkAddressSchema).max(64);
