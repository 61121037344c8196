/** Translates attributes of a kind between the log, which uses device names, and the kernel, which uses indexes. */
import type { AttributedLink, KindAttributes, LinkKind } from '@ifactor/crds';
import { isAttributed, KernelError } from '../kernel/index.ts';
import type { AttributedKind, Attributes, Link, Netns } from '../kernel/index.ts';
import * as registered from './kind/registry.ts';
import type { Translation } from './kind/translation.ts';

type Fields = { readonly [field: string]: unknown };

const translationOf = (kind: string): Translation<Fields, Fields> | undefined =>
  (registered as unknown as { [kind: string]: { translation?: Translation<Fields, Fields> } })[kind]?.translation;

/** Whether a link to create has attributes of its own kind: they are under the name of the kind. */
export const hasAttributes = (link: LinkKind): link is AttributedLink => Object.hasOwn(link, link.kind);

/** @throws KernelError ENODEV where the device below is not there */
export function toKernel(netns: Netns, link: AttributedLink): AttributedKind {
  const { kind } = link;
  const { dev, ...rest } = (link as unknown as { [kind: string]: Fields })[kind]!;
  const fields = translationOf(kind)?.toKernel(rest) ?? rest;
  const attributes = dev === undefined ? fields : { ...fields, link: indexOf(netns, dev as string | null, kind) };
  // The types pair each kind with its attributes; TypeScript cannot infer that for a computed key.
  return { kind, [kind]: attributes } as unknown as AttributedKind;
}

/** What a link has of its own kind's attributes. */
export function fromKernel(netns: Netns, link: Partial<Attributes> & Pick<Link, 'kind'>): Partial<KindAttributes> {
  const { kind } = link;
  const shown = isAttributed(kind) ? (link[kind] as unknown as Fields | undefined) : undefined;
  if (shown === undefined) return {};
  const { link: lower, ...rest } = shown;
  const fields = translationOf(kind)?.fromKernel(rest) ?? rest;
  return { [kind]: lower === undefined ? fields : { ...fields, dev: nameOf(netns, lower as number | null) } };
}

function indexOf(netns: Netns, dev: string | null, kind: string): number | null {
  if (dev === null) return null;
  const lower = netns.link(dev);
  if (!lower) throw new KernelError('ENODEV', `create ${kind} over ${dev}`, { advice: 'waiting for it' });
  return lower.index;
}

const nameOf = (netns: Netns, index: number | null): string | null =>
  index === null ? null : (netns.linkAt(index)?.name ?? `if${index}`);
