import { z } from 'zod';
import { ruled } from './rule.ts';
import { distinct, oneSpelling, SAME_ADDRESS, SAME_SPELT } from './common.ts';
import { celString, notOfLink, OF_LINK, patterns, unlike } from './text.ts';

const ip = new RegExp(patterns.ip);
const cidr = new RegExp(patterns.addressCidr);

/** An address of a NetlinkInterface. */
export const NetlinkAddressSchema = ruled(
  z.object({
    ipcidr: unlike(z.string().min(1).max(49), notOfLink, `ipcidr ${OF_LINK}`).describe(
      "The interface's own address: IP/LENGTH, or with peerCidr the bare IP.",
    ),
    peerCidr: unlike(z.string().min(1).max(49), notOfLink, `peerCidr ${OF_LINK}`)
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
const ipOf = ({ ipcidr }: NetlinkAddress): string => ipcidr.split('/')[0]!;

/** `addresses` of an interface, or of one end of a veth. The kernel tells IPv6 addresses of one link apart by the address alone. */
export const netlinkAddresses = ruled(
  z.array(NetlinkAddressSchema).max(64).refine(oneSpelling(ipOf), { error: SAME_SPELT }),
  {
    rule: `self.all(a, !a.ipcidr.contains(':') || self.exists_one(b, b.ipcidr.lowerAscii().split('/')[0] == a.ipcidr.lowerAscii().split('/')[0]))`,
    message: SAME_ADDRESS,
    holds: (list) => distinct(list.map(ipOf).filter((text) => text.includes(':'))),
  },
);
