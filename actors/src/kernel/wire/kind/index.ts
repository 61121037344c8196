/** Kinds of link that have attributes of their own. */
import type { Codec } from '../codec.ts';
import { gre } from './gre.ts';
import type { GreAttributes } from './gre.ts';
import { ipip } from './ipip.ts';
import type { IpipAttributes } from './ipip.ts';
import { macvlan } from './macvlan.ts';
import type { MacvlanAttributes } from './macvlan.ts';
import { vlan } from './vlan.ts';
import type { VlanAttributes } from './vlan.ts';
import { vrf } from './vrf.ts';
import type { VrfAttributes } from './vrf.ts';
import { vxlan } from './vxlan.ts';
import type { NewVxlan, VxlanAttributes } from './vxlan.ts';
import type { MessageWriter } from '../attribute.ts';

/** As the kernel shows them, by kind. */
export type Attributes = {
  vxlan: VxlanAttributes;
  vlan: VlanAttributes;
  macvlan: MacvlanAttributes;
  vrf: VrfAttributes;
  ipip: IpipAttributes;
  gre: GreAttributes;
};
/** As they are asked for: what a vxlan leaves out, the kernel chooses. */
type Given = Omit<Attributes, 'vxlan'> & { vxlan: NewVxlan };

/** A kind with its attributes, under its own name: `{ kind: 'vrf', vrf: { table: 10 } }`. */
export type AttributedKind = { [K in keyof Given]: { kind: K } & { [A in K]: Given[A] } }[keyof Given];

const codecs: { [K in keyof Attributes]: Codec<Given[K], Attributes[K]> } = { vxlan, vlan, macvlan, vrf, ipip, gre };

export const isAttributed = (kind: string): kind is keyof Attributes => Object.hasOwn(codecs, kind);

/** What goes into IFLA_LINK (null: nothing), and what writes the rest into IFLA_INFO_DATA. */
export function written(link: AttributedKind): { lower: number | null; write: (writer: MessageWriter) => void } {
  // The type pairs each kind with its attributes, which cannot be said of one taken out by the other.
  const codec = codecs[link.kind] as Codec<object>;
  const attributes = (link as unknown as Record<string, { link?: number | null }>)[link.kind]!;
  return { lower: codec.lower ? (attributes.link ?? null) : null, write: (writer) => codec.write(writer, attributes) };
}

/** Attributes of a kind, under its name. @param lower IFLA_LINK */
export function readAttributes(kind: keyof Attributes, data: Buffer, lower: number | null): Partial<Attributes> {
  return { [kind]: codecs[kind].read(data, lower) };
}

/** Modules that are not named after the kind that they bring. */
const modules: Readonly<Record<string, string>> = { vlan: '8021q', gre: 'ip_gre' };

/** The kernel module that brings a kind of link. */
export const moduleOf = (kind: string): string => modules[kind] ?? kind;
