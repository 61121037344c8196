import { z } from 'zod';
import { ruled, transitions } from './rule.ts';
import type { Rule } from './rule.ts';
import { matching, notOfLink, OF_LINK, patterned, patterns, unlike } from './text.ts';

const NODE_NAME =
  'must be a node name: lower-case letters, digits, "-" and ".", beginning and ending with a letter or digit';

/** Name of a node, as given to its agent by `--node`. */
export const NodeNameSchema = matching(patterns.nodeName, 253, `node name ${NODE_NAME}`).min(1);
/** The same in lists within lists. */
export const DeepNodeNameSchema = patterned(patterns.nodeName, 253, `node name ${NODE_NAME}`).min(1);

/** `spec.node` of an interface. */
export const NodeSchema = transitions(matching(patterns.nodeName, 253, `node ${NODE_NAME}`).min(1), {
  rule: 'self == oldSelf',
  message: 'node is immutable: delete the object and create it again for the other node',
}).describe('Name of the node whose agent owns the interface. Immutable.');

/** TCP or UDP port; 0 lets the kernel choose. */
export const PortSchema = z.int().min(0).max(65535);

export const PortRangeSchema = ruled(
  z.object({
    start: z.int().min(1).max(65535).describe('First UDP port of the range.'),
    end: z.int().min(1).max(65535).describe('Last UDP port of the range, itself included.'),
  }),
  {
    rule: 'self.start <= self.end',
    message: 'start must not be greater than end',
    holds: ({ start, end }) => start <= end,
  },
);
export type PortRange = z.infer<typeof PortRangeSchema>;

/** IPV6_MIN_MTU: below it the kernel disables IPv6 on a link. */
export const SMALL_PACKETS =
  'mtu must be at least 1280 where addresses lists an IPv6 address: links with less have no IPv6';

/** MTU of a WireGuard interface: 0 means 1420. */
export const WireGuardMtuSchema = ruled(z.int().min(0).max(65535), {
  rule: 'self == 0 || self >= 68',
  message: 'mtu must be 0 (for 1420) or from 68 to 65535',
  holds: (mtu) => mtu === 0 || mtu >= 68,
})
  .default(1420)
  .describe('Largest packet, in bytes. Absent or 0: 1420.');

/** 32 bytes of zeros in base64: what the kernel reads as "no key". */
const NO_KEY = `${'A'.repeat(43)}=`;

/** A WireGuard key; `what` is its name in messages. */
export const keySchema = (what: string): z.ZodString =>
  ruled(matching(patterns.key, 44, `${what}must be 32 bytes in base64 (44 characters, ending in "=")`), {
    rule: `self != '${NO_KEY}'`,
    message: `${what}must not be all zeros, which stands for no key`,
    holds: (key) => key !== NO_KEY,
  });
export const KeySchema = keySchema('');

const secretName = z.string().min(1).max(253).describe('Name of the Secret.');
const secretKey = z
  .string()
  .min(1)
  .max(253)
  .describe("Key in the Secret's data. Its value may be the raw 32 bytes or their base64 text.");

export const SecretRefSchema = z.object({
  name: secretName,
  key: secretKey,
  namespace: z
    .string()
    .min(1)
    .max(63)
    .default('default')
    .describe(
      "Namespace of the Secret; `default` when absent. One other than the object's own is refused unless a policy allows it.",
    ),
});
export type SecretRef = z.infer<typeof SecretRefSchema>;

const NETNS_NAME =
  'netns.name must be a name in /run/netns: not "." or "..", and without "/"; for another file give netns.path';

/** Where an interface belongs. The first of docker, podman, netns.path, netns.name, netns.pid that is given counts. */
export const ContainerSelectorSchema = z.object({
  docker: z
    .object({
      name: z.string().min(1).max(253).describe('Name or id of the container.'),
    })
    .optional()
    .describe('A container of the Docker Engine on the node. Takes precedence over every other selector.'),
  podman: z
    .object({
      name: z.string().min(1).max(253).describe('Name or id of the container.'),
    })
    .optional()
    .describe('A Podman container on the node.'),
  netns: z
    .object({
      path: z
        .string()
        .min(1)
        .max(4096)
        .optional()
        .describe(
          'Path of a network namespace file on the node, such as /proc/1234/ns/net. Takes precedence over name and pid.',
        ),
      name: patterned(patterns.netnsName, 255, NETNS_NAME)
        .min(1)
        .optional()
        .describe('A named network namespace under /run/netns, as `ip netns` creates them. Takes precedence over pid.'),
      pid: z
        .int()
        .min(1)
        .max(4194304)
        .optional()
        .describe('Id of a process on the node, as the agent sees it: its network namespace.'),
    })
    .optional()
    .describe('A network namespace given directly.'),
});
export type ContainerSelector = z.infer<typeof ContainerSelectorSchema>;

/** CEL over the selector at `at` (known to be present): true if it selects something. */
const selectsRule = (at: string): string =>
  `has(${at}.docker) || has(${at}.podman) || (has(${at}.netns) && (has(${at}.netns.path) || has(${at}.netns.name) || has(${at}.netns.pid)))`;

/** True if a selector selects something; the counterpart of `selectsRule`. */
function selects({ docker, podman, netns }: ContainerSelector): boolean {
  const given = netns?.path ?? netns?.name ?? netns?.pid;
  return docker !== undefined || podman !== undefined || given !== undefined;
}

/** A selector that must select something: used where its presence alone means "inside that netns". */
export const PlacedContainerSchema = ruled(ContainerSelectorSchema, {
  rule: selectsRule('self'),
  message: 'container must name one of docker.name, podman.name, netns.path, netns.name, netns.pid',
  holds: selects,
});

/** For specs with `moveToContainer`: true requires a container that selects something, false ignores it. */
export const moveNeedsContainer: Rule<{ moveToContainer: boolean; container?: ContainerSelector | undefined }> = {
  rule: `!has(self.moveToContainer) || !self.moveToContainer || (has(self.container) && (${selectsRule('self.container')}))`,
  message:
    'container is required when moveToContainer is true: give one of docker.name, podman.name, netns.path, netns.name, netns.pid',
  holds: ({ moveToContainer, container }) => !moveToContainer || (container !== undefined && selects(container)),
};

const PROBE = 'confirm.probe must be an IPv4 or IPv6 address, without a zone or a prefix length';

/** How a change of a spec is confirmed; see `spec.confirm`. */
export const ConfirmSchema = z.object({
  timeoutSeconds: z
    .int()
    .min(1)
    .max(3600)
    .describe(
      'Seconds within which the agent must confirm a change, and for which what confirms it may be unavailable. Counted from the first change in the kernel; an agent that restarts meanwhile counts from its start, with 5 more seconds to connect.',
    ),
  probe: matching(patterns.ip, 45, PROBE)
    .optional()
    .describe(
      'An IP address that is to be reached too: by ICMP echo from the netns that the interface belongs in. Absent: only NATS counts.',
    ),
});

/** What the agent does about an interface; see `spec.mode`. */
export const ModeSchema = z.enum(['Manage', 'Observe', 'Paused']);

/** Description of `spec.mode`. */
export const modeText =
  'Manage: the kernel is brought to what is declared, and kept so. Observe: nothing is changed; Ready says what would be (reason WouldChange). Paused: nothing is changed, and the interface keeps its state; Ready says how the kernel differs. A deletion removes what ifactor made in every mode. Absent: Manage.';

/** Description of `spec.confirm`. */
export const confirmText =
  'Safety net: a change after which the node loses NATS, or the probe, for timeoutSeconds is rolled back to the last spec that worked, and stays so (condition Ready, reason RolledBack) until the spec changes again. Only what was reached right before the change is counted as lost by it. Where no spec worked before, the links that the change made are removed; links that were there already stay. Absent: changes stay.';

const BARE = 'must be an IPv4 or IPv6 address without a prefix length';

/** Addresses that the kernel keeps on a link. In lists within lists only the pattern is checked. */
const ofLink = (what: string): z.ZodString =>
  unlike(matching(patterns.ip, 45, `${what} ${BARE}`), notOfLink, `${what} ${OF_LINK}`);
const deepIp = (what: string): z.ZodString => patterned(patterns.ip, 45, `${what} ${BARE}`);

const addressFields = (ip: (what: string) => z.ZodString) =>
  z.object({
    family: z.enum(['inet', 'inet6']).describe('`inet` for IPv4, `inet6` for IPv6.'),
    local: ip('local').describe("The interface's own address, without a prefix length."),
    peer: ip('peer')
      .optional()
      .describe(
        'Address of the far end of a point-to-point link, as in `ip addr add LOCAL peer PEER/PREFIXLEN`. Absent: LOCAL/PREFIXLEN.',
      ),
    prefixlen: z
      .int()
      .min(1)
      .max(128)
      .describe('Prefix length in bits, of the peer where there is one: 1 to 32 for inet, 1 to 128 for inet6.'),
    noPrefixRoute: z
      .boolean()
      .default(false)
      .describe('True: the kernel adds no route to the prefix (IFA_F_NOPREFIXROUTE).'),
  });
/** An address of a WireGuard interface. */
export type InterfaceAddress = z.infer<ReturnType<typeof addressFields>>;

const addressRules: readonly Rule<InterfaceAddress>[] = [
  {
    rule: `self.local.contains(':') == (self.family == 'inet6')`,
    message: 'local must be an IPv4 address for family inet, an IPv6 address for inet6',
    holds: ({ family, local }) => local.includes(':') === (family === 'inet6'),
  },
  {
    rule: `!has(self.peer) || self.peer.contains(':') == (self.family == 'inet6')`,
    message: 'peer must be an IPv4 address for family inet, an IPv6 address for inet6',
    holds: ({ family, peer }) => peer === undefined || peer.includes(':') === (family === 'inet6'),
  },
  {
    rule: `self.family == 'inet6' || self.prefixlen <= 32`,
    message: 'prefixlen must be from 1 to 32 for family inet',
    holds: ({ family, prefixlen }) => family === 'inet6' || prefixlen <= 32,
  },
];
const ofFamily = (family: string, address: object, length: object) => ({
  properties: { family: { enum: [family] }, local: address, peer: address, ...length },
});

export const InterfaceAddressSchema = ruled(addressFields(ofLink), ...addressRules);

export const SAME_ADDRESS = 'addresses must not list the same IPv6 address twice, not even with another prefix length';

export const SAME_SPELT = 'addresses must not list the same IPv6 address twice, in whichever spelling';

/** One spelling for each IPv6 address. */
const spelt = (text: string): string =>
  URL.canParse(`http://[${text}]`) ? new URL(`http://[${text}]`).hostname : text.toLowerCase();

/** Whether no IPv6 address is listed in two spellings. The API server compares texts; the agent says the rest as a condition. */
export const oneSpelling =
  <T>(ipOf: (item: T) => string) =>
  (items: readonly T[]): boolean =>
    distinct(items.flatMap((item) => (ipOf(item).includes(':') ? [spelt(ipOf(item))] : [])));

const listedAddresses = z
  .array(InterfaceAddressSchema)
  .max(256)
  .refine(
    oneSpelling(({ local }: InterfaceAddress) => local),
    { error: SAME_SPELT },
  );
/** `spec.addresses` of a WireGuard interface. The kernel tells IPv6 addresses of one link apart by the address alone. */
export const interfaceAddresses = ruled(listedAddresses, {
  rule: `self.all(a, a.family == 'inet' || self.exists_one(b, b.local.lowerAscii() == a.local.lowerAscii()))`,
  message: SAME_ADDRESS,
  holds: (list) => distinct(list.filter(({ family }) => family === 'inet6').map(({ local }) => local)),
});

/** Whether no two texts differ only in case. */
export const distinct = (texts: readonly string[]): boolean =>
  new Set(texts.map((text) => text.toLowerCase())).size === texts.length;

/** The same in lists within lists: the rules are said by `anyOf`, which costs the API server nothing. */
export const DeepInterfaceAddressSchema = addressRules
  .reduce((schema, { holds, message }) => schema.refine(holds, { error: message }), addressFields(deepIp))
  .meta({
    anyOf: [
      ofFamily('inet', { pattern: '^[^:]*$' }, { prefixlen: { maximum: 32 } }),
      ofFamily('inet6', { pattern: ':' }, {}),
    ],
  });

const netnsName = new RegExp(patterns.netnsName);

/** Whether this is a name below /run/netns and does not lead outside of it. */
export function isNetnsName(name: string): boolean {
  return name.length <= 255 && netnsName.test(name);
}
