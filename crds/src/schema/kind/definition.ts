import type { z } from 'zod';
import type { ContainerSelector } from '../common.ts';
import type { NetlinkAddress } from '../netlinkAddress.ts';
import type { Rule } from '../rule.ts';

/** Has a type and no value: only the compiler knows the shape of a kind's attributes. */
export type Shape<T> = { readonly shape?: T };
export const shape = <T>(): Shape<T> => ({});

/** The part of a NetlinkInterface's spec that all kinds share and that the rules of a kind may read. */
export type CommonSpec = {
  readonly interfaceName: string;
  readonly addresses: NetlinkAddress[];
  readonly container?: ContainerSelector | undefined;
};

/**
 * The definition of one kind of link. In a section, `slaves` are names of links enslaved to the link, and `dev` is the name of
 * the lower device: code that reads specs relies on that, so no section may use these two names for anything else.
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
  /** Attributes that the kernel reports only for links of this kind. */
  readonly attributes?: Shape<object>;
  /** What is needed to create one, if that differs from its attributes. */
  readonly creation?: Shape<object>;
  /** Whether it is one end of a pair, and has an index of its far end. */
  readonly paired?: true;
};
