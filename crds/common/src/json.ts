/** JSON of unknown shape: read with checks, compared by value. */
import { createHash } from 'node:crypto';

export type Json = { [key: string]: unknown };

export function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a path of own fields; undefined where a step is absent. */
export function member(value: unknown, ...path: string[]): unknown {
  let at = value;
  for (const key of path)
    at = typeof at === 'object' && at !== null && Object.hasOwn(at, key) ? Reflect.get(at, key) : undefined;
  return at;
}

/** The text at a path; '' if it is missing. */
export function text(value: unknown, ...path: string[]): string {
  const found = member(value, ...path);
  return typeof found === 'string' ? found : '';
}

/** The object at a path; an empty one if it is missing. */
export function part(value: unknown, ...path: string[]): Json {
  const found = member(value, ...path);
  return isRecord(found) ? found : {};
}

/** The array at a path; an empty one if it is missing. */
export function list(value: unknown, ...path: string[]): unknown[] {
  const found = member(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** JSON with sorted keys and without undefined: equal values have equal text. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    isRecord(inner) ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}

/** Short digest of a value: 16 hex digits of the SHA-256 of its canonical text. */
export function digest(value: unknown): string {
  return createHash('sha256').update(canonical(value)).digest('hex').slice(0, 16);
}

/** Whether two values have equal JSON; undefined counts as null. */
export function sameJson(a: unknown, b: unknown): boolean {
  return canonical(a ?? null) === canonical(b ?? null);
}

/** The same object without some of its fields. */
export function without<T extends object, K extends keyof T>(value: T, ...fields: readonly K[]): Omit<T, K> {
  const rest = { ...value };
  for (const field of fields) delete rest[field];
  return rest;
}
