import type { z } from 'zod';
import type { ContainerSelector } from '../common.ts';
import type { NetlinkAddress } from '../netlinkAddress.ts';
import type { Rule } from '../rule.ts';

/** Carries a type and no value: what a kind's attributes look like is known to the compiler only. */
export type Shape<T> = { readonly shape?: T };
export const shape = <T>(): Shape<T> => ({});

/** The part of a NetlinkInterface's spec that every kind has and that the rules of a kind may look at. */
export type CommonSpec = {
  readonly interfaceName: string;
  readonly addresses: NetlinkAddress[];
  readonly container?: ContainerSelector | undefined;
};

/**
 * All that the contract says of one kind of link. A section's `slaves` are names of links that are enslaved to the link, its `dev` is the
 * name of the device below it: whoever reads specs relies on that, and no section may mean something else by these two.
 */
export type KindDefinition = {
  /** Schema of `spec.<kind>`. */
  readonly section: z.ZodObject;
  /** Whether a spec of this type must have the section. */
  readonly required: boolean;
  /** Field text of the section, as `kubectl explain` shows it. */
  readonly text: string;
  /** Rules over the whole spec that only this kind has. */
  readonly rules?: readonly Rule<never>[];
  /** What the kernel shows of such a link that it shows of no other kind. */
  readonly attributes?: Shape<object>;
  /** What has to be said to make one, where that is not its attributes. */
  readonly creation?: Shape<object>;
  /** Whether it is one end of a pair, and has an index of its far end. */
  readonly paired?: true;
};
