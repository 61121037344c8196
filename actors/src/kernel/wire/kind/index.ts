/** Kinds of link on the wire: those with attributes of their own (registry.ts), pairs (veth.ts), and those made by their name alone. */
import type { Codec } from '../codec.ts';
import * as registry from './registry.ts';
import type { MessageWriter } from '../attribute.ts';

/** Kinds that are made by their name alone. */
export type PlainKind = 'bridge' | 'dummy' | 'wireguard';

const codecs = { ...registry };
type Codecs = typeof codecs;

/** As the kernel shows them, by kind. */
export type Attributes = { [K in keyof Codecs]: ReturnType<Codecs[K]['read']> };
/** As they are asked for: what is left out, the kernel chooses. */
type Given = { [K in keyof Codecs]: Parameters<Codecs[K]['write']>[1] };

/** A kind with its attributes, under its own name: `{ kind: 'vrf', vrf: { table: 10 } }`. */
export type AttributedKind = { [K in keyof Given]: { kind: K } & { [A in K]: Given[A] } }[keyof Given];

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

/** The kernel module that brings a kind of link: most are named after their kind. */
export const moduleOf = (kind: string): string =>
  (isAttributed(kind) ? (codecs[kind] as Codec<object>).module : undefined) ?? kind;
