import * as registered from './registry.ts';
import type { Refusals } from './refusal.ts';

const byKind: { readonly [kind: string]: { readonly refusals?: Refusals } } = { ...registered };

/** What errnos mean for the attributes of a kind. */
export const refusals = (kind: string): Refusals => byKind[kind]?.refusals ?? {};
