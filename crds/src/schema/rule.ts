import type { z } from 'zod';

/**
 * One rule, written twice: as CEL for the API server and as a predicate for zod.
 * Both must refuse the same values; `agreement.test.ts` checks that.
 */
export interface Rule<T> {
  /** CEL expression over `self`; must stay within kube-apiserver's cost budget, so what it iterates needs maxItems and maxLength. */
  readonly rule: string;
  /** Message of both sides: names the field and the legal values. */
  readonly message: string;
  /** True if the value is legal. The value has its defaults applied, as in CEL. */
  readonly holds: (value: T) => boolean;
}

/** A rule about a change (`oldSelf`), which only the API server can check. */
export interface Transition {
  readonly rule: string;
  readonly message: string;
}

const VALIDATIONS = 'x-kubernetes-validations';

/** Adds rules to a schema: zod refinements and `x-kubernetes-validations` at once. Call it before `.optional()` and `.default()`. */
export function ruled<S extends z.ZodType>(schema: S, ...rules: readonly Rule<z.output<S>>[]): S {
  let out = schema;
  for (const { holds, message } of rules) out = out.refine(holds, { error: message });
  return withValidations(
    schema,
    out,
    rules.map(({ rule, message }) => ({ rule, message })),
  );
}

/** Adds rules that compare two versions of an object, such as immutability. */
export function transitions<S extends z.ZodType>(schema: S, ...rules: readonly Transition[]): S {
  return withValidations(schema, schema, rules);
}

/** Keys of a list of objects that the API server keeps unique (`x-kubernetes-list-type: map`); zod refuses duplicates too. */
export function keyed<S extends z.ZodType<readonly Record<string, unknown>[]>>(
  schema: S,
  ...keys: readonly string[]
): S {
  const unique = (items: readonly Record<string, unknown>[]): boolean =>
    new Set(items.map((item) => JSON.stringify(keys.map((key) => item[key])))).size === items.length;
  return schema
    .refine((items) => unique(items), { error: `must not list the same ${keys.join(' and ')} twice` })
    .meta({ ...schema.meta(), 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': keys });
}

function withValidations<S extends z.ZodType>(from: S, to: S, rules: readonly Transition[]): S {
  const meta = from.meta() ?? {};
  const before: unknown = meta[VALIDATIONS];
  return to.meta({ ...meta, [VALIDATIONS]: [...(Array.isArray(before) ? before : []), ...rules] });
}
