import { z } from 'zod';
import {
  ConfirmSchema,
  confirmText,
  ModeSchema,
  modeText,
  NodeSchema,
  PlacedContainerSchema,
  SMALL_PACKETS,
} from './common.ts';
import { isNetlinkType, netlinkKinds, netlinkTypes } from './kind/index.ts';
import type { KindDefinition } from './kind/definition.ts';
import type { NetlinkKinds, NetlinkType } from './kind/index.ts';
import { netlinkAddresses } from './netlinkAddress.ts';
import { ruled, transitions } from './rule.ts';
import type { Rule } from './rule.ts';
import { interfaceNameSchema } from './text.ts';

const definitions: Readonly<Record<NetlinkType, KindDefinition>> = netlinkKinds;
const entries = netlinkTypes.map((type) => [type, definitions[type]] as const);

/** `spec.<kind>` of every kind. */
const sections = Object.fromEntries(
  entries.map(([type, { section, text }]) => [type, section.optional().describe(text)]),
) as unknown as { [K in NetlinkType]: z.ZodOptional<NetlinkKinds[K]['section']> };

const base = z.object({
  node: NodeSchema,
  interfaceName: interfaceNameSchema('interfaceName').describe(
    'Name of the interface in the kernel: 1 to 15 bytes, no "/", no white space.',
  ),
  type: z.enum(netlinkTypes).describe('Kind of link. A change recreates the link.'),
  up: z.boolean().describe('Wanted admin state: true is up. Holds for both ends of a veth.'),
  mtu: z
    .int()
    .min(68)
    .max(65535)
    .optional()
    .describe('Largest packet, in bytes. Absent: not managed. Holds for both ends of a veth.'),
  addresses: netlinkAddresses
    .default([])
    .describe(
      "Addresses of the interface. Exhaustive: one that is not listed is removed, the kernel's own link-local included.",
    ),
  container: PlacedContainerSchema.optional().describe(
    "The netns that the interface is created in. Absent: the agent's own. Immutable.",
  ),
  mode: ModeSchema.optional().describe(modeText),
  confirm: ConfirmSchema.optional().describe(confirmText),
  ...sections,
});
type Base = z.output<typeof base>;

/** The section of the spec's own kind; undefined if it is optional and absent. */
const sectionIn = (spec: Base, type: NetlinkType): { readonly [field: string]: unknown } | undefined => spec[type];

const hasField = (type: NetlinkType, field: string): boolean => field in definitions[type].section.shape;

const sectionRule = (type: NetlinkType, required: boolean): Rule<Base> => ({
  rule: required ? `has(self.${type}) == (self.type == '${type}')` : `!has(self.${type}) || self.type == '${type}'`,
  message: required
    ? `${type} is required when type is ${type}, and refused otherwise`
    : `${type} is only for type ${type}`,
  holds: (spec: Base) => (spec[type] === undefined ? !required || spec.type !== type : spec.type === type),
});

/** A link must not be its own slave. */
const slavesRule = (type: NetlinkType): Rule<Base> => ({
  rule: `!has(self.${type}) || !has(self.${type}.slaves) || !self.${type}.slaves.exists(s, s == self.interfaceName)`,
  message: `${type}.slaves must not name the ${type} itself`,
  holds: (spec) => spec.type !== type || !slavesOf(spec).includes(spec.interfaceName),
});

/** A link must not be its own lower device. */
const deviceRule = (type: NetlinkType): Rule<Base> => ({
  rule: `!has(self.${type}) || !has(self.${type}.dev) || self.${type}.dev != self.interfaceName`,
  message: `${type}.dev must not name the ${type} itself`,
  holds: (spec) => spec.type !== type || deviceBelow(spec) !== spec.interfaceName,
});

const smallPackets: Rule<Base> = {
  rule: `!has(self.mtu) || self.mtu >= 1280 || !self.addresses.exists(a, a.ipcidr.contains(':'))`,
  message: SMALL_PACKETS,
  holds: ({ mtu, addresses }) =>
    mtu === undefined || mtu >= 1280 || !addresses.some(({ ipcidr }) => ipcidr.includes(':')),
};

export const NetlinkInterfaceSpecSchema = transitions(
  ruled(
    base,
    ...entries.map(([type, { required }]) => sectionRule(type, required)),
    ...entries.flatMap(([, { rules = [] }]) => rules as readonly Rule<Base>[]),
    ...netlinkTypes.filter((type) => hasField(type, 'slaves')).map(slavesRule),
    ...netlinkTypes.filter((type) => hasField(type, 'dev')).map(deviceRule),
    smallPackets,
  ),
  {
    rule: 'has(self.container) == has(oldSelf.container) && (!has(self.container) || self.container == oldSelf.container)',
    message: 'container is immutable: delete the object and create it again for the other container',
  },
);
export type NetlinkInterfaceSpec = z.infer<typeof NetlinkInterfaceSpecSchema>;

/** Whether links of this kind (the kernel's name) can have slaves. */
export const enslaves = (kind: string): boolean => isNetlinkType(kind) && hasField(kind, 'slaves');

/** Whether links of this kind (the kernel's name) are created in pairs. */
export const isPaired = (kind: string): boolean => isNetlinkType(kind) && definitions[kind].paired === true;

/** Names of the links that a spec declares as slaves of its own. */
export function slavesOf(spec: Base): readonly string[] {
  const slaves = hasField(spec.type, 'slaves') ? sectionIn(spec, spec.type)?.['slaves'] : undefined;
  return (slaves as readonly string[] | undefined) ?? [];
}

/** Name of the lower device that a spec declares for its link; null if it declares none. */
export function deviceBelow(spec: Base): string | null {
  const dev = hasField(spec.type, 'dev') ? sectionIn(spec, spec.type)?.['dev'] : undefined;
  return (dev as string | undefined) ?? null;
}
