/** Structure-aware mutations of JSON objects: each changes an existing place in a way that a schema may not expect. */
import { array, constantFrom, double, integer, jsonValue, nat, oneof, record, string } from 'fast-check';
import type { Arbitrary } from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { isRecord, text } from '../json.ts';
import type { Json } from '../json.ts';

const folder = fileURLToPath(new URL('../../../examples/', import.meta.url));
/** Every object of the committed examples. */
export const examples: readonly Json[] = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.yaml'))
  .flatMap((file) => parseAllDocuments(readFileSync(join(folder, file), 'utf8')))
  .map((document): unknown => document.toJS())
  .filter((object): object is Json => isRecord(object) && text(object, 'kind') !== '');

/** The collection of an object's kind in the namespace `default`. */
export function collectionOf(object: Json): string {
  const group = text(object, 'apiVersion');
  const plural = `${text(object, 'kind').toLowerCase()}s`;
  return `${group.includes('/') ? `/apis/${group}` : '/api/v1'}/namespaces/default/${plural}`;
}

const operations = ['replace', 'remove', 'rename', 'insert', 'repeat', 'wrap', 'copy'] as const;

export type Mutation = {
  operation: (typeof operations)[number];
  /** Chooses the place, modulo how many there are. */
  place: number;
  /** Chooses another place, for `copy`. */
  other: number;
  key: string;
  value: unknown;
};

const anyKey = oneof(
  string({ maxLength: 12 }),
  constantFrom('constructor', '__proto__', 'toString', 'name', 'spec', 'status', 'metadata', 'uid', '', 'a/b', '~1'),
);
const anyValue = oneof(
  constantFrom<unknown>(null, true, false, 0, -1, 1.5, 2 ** 31, 2 ** 53, 1e308, '', [], {}, [null], [[]], { '': null }),
  constantFrom<unknown>('\ud800', '\u0000', '🚇', 'x'.repeat(300), '9'.repeat(40), 'a.b', '::', '0.0.0.0/0', '-', ' '),
  string(),
  integer(),
  double({ noNaN: true, noDefaultInfinity: true }),
  jsonValue({ maxDepth: 3 }),
);

const mutation: Arbitrary<Mutation> = record({
  operation: constantFrom(...operations),
  place: nat(),
  other: nat(),
  key: anyKey,
  value: anyValue,
});
export const mutations: Arbitrary<Mutation[]> = array(mutation, { minLength: 1, maxLength: 4 });

type Place = { holder: object; key: string };

function placesOf(object: unknown): Place[] {
  if (typeof object !== 'object' || object === null) return [];
  return Object.keys(object).flatMap((name) => [
    { holder: object, key: name },
    ...placesOf(Reflect.get(object, name) as unknown),
  ]);
}

/** A changed copy. Keys such as `__proto__` become fields of their own. */
export function mutate(object: unknown, changes: readonly Mutation[]): unknown {
  const copy: unknown = structuredClone(object);
  for (const change of changes) {
    const places = placesOf(copy);
    const place = places[change.place % places.length];
    if (place) carryOut(change, place, places[change.other % places.length] ?? place);
  }
  return copy;
}

const put = (target: object, field: string, value: unknown): void =>
  void Object.defineProperty(target, field, { value, enumerable: true, configurable: true, writable: true });

function carryOut({ operation, key: name, value }: Mutation, { holder, key: at }: Place, other: Place): void {
  // Copy: later mutations must not change a constant of the generator.
  const given: unknown = structuredClone(value);
  const old: unknown = Reflect.get(holder, at);
  switch (operation) {
    case 'replace':
      return put(holder, at, given);
    case 'remove':
      return void (Array.isArray(holder) ? holder.splice(Number(at), 1) : Reflect.deleteProperty(holder, at));
    case 'rename':
      if (Array.isArray(holder)) return;
      Reflect.deleteProperty(holder, at);
      return put(holder, name, old);
    case 'insert':
      if (Array.isArray(holder)) holder.push(given);
      else put(isRecord(old) ? old : holder, name, given);
      return;
    case 'repeat':
      if (Array.isArray(holder)) holder.push(...Array.from({ length: 40 }, () => structuredClone(old)));
      else if (typeof old === 'string') put(holder, at, old.repeat(50));
      return;
    case 'wrap':
      return put(holder, at, [old]);
    case 'copy':
      return put(holder, at, structuredClone(Reflect.get(other.holder, other.key) as unknown));
  }
}
