import { Ajv } from 'ajv';
import type { ErrorObject, ValidateFunction } from 'ajv';
import { Environment } from '@marcbachmann/cel-js';
import { isDeepStrictEqual } from 'node:util';
import { isRecord, list } from '@ifactor/common/json';
import type { Json } from '@ifactor/common/json';
import { fieldOf } from './resource.ts';
import type { Schema } from './resource.ts';
import type { FieldCause } from '../status.ts';

const ajv = new Ajv({
  allErrors: true,
  strict: false,
  verbose: true,
  formats: { int32: true, int64: true, 'date-time': true },
});
const cel = new Environment({ unlistedVariablesAreDyn: true });
// One of Kubernetes' own (k8s.io/apiserver/pkg/cel/library/lists.go).
cel.registerFunction('list.sum(): int', (numbers: bigint[]) => numbers.reduce((sum, number) => sum + number, 0n));
const compiled = new WeakMap<Schema, ValidateFunction>();
const rules = new Map<string, (context: Json) => unknown>();

const envelope = new Set(['apiVersion', 'kind', 'metadata']);

/** Drops fields that the schema does not name and returns their paths. The root's metadata is not changed. */
export function pruneUnknown(schema: Schema, value: unknown, path = ''): { value: unknown; unknown: string[] } {
  const unknown: string[] = [];
  const into = (inner: Schema, child: unknown, at: string): unknown => {
    const result = pruneUnknown(inner, child, at);
    unknown.push(...result.unknown);
    return result.value;
  };
  if (Array.isArray(value)) {
    const { items } = schema;
    return { value: items ? value.map((item, at) => into(items, item, `${path}[${at}]`)) : value, unknown };
  }
  if (!isRecord(value)) return { value, unknown };
  // No plain assignment: a field may have the name `__proto__`.
  const out = new Map<string, unknown>();
  for (const [name, child] of Object.entries(value)) {
    const at = path === '' ? name : `${path}.${name}`;
    const field = fieldOf(schema, name);
    if (path === '' && envelope.has(name)) out.set(name, child);
    else if (field) out.set(name, into(field, child, at));
    else if (isRecord(schema.additionalProperties)) out.set(name, into(schema.additionalProperties, child, at));
    else if (schema['x-kubernetes-preserve-unknown-fields'] === true || schema.additionalProperties === true)
      out.set(name, child);
    else unknown.push(at);
  }
  return { value: Object.fromEntries(out), unknown };
}

/** Fills in defaults; null in a field that is not nullable counts as absent, as in the API server. */
export function fillIn(schema: Schema, value: unknown): unknown {
  const { items } = schema;
  if (Array.isArray(value)) return items ? value.map((item) => fillIn(items, item)) : value;
  if (!isRecord(value)) return value;
  const out: Json = { ...value };
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    if (out[name] === null && field.nullable !== true) delete out[name];
    if (out[name] === undefined && field.default !== undefined) out[name] = structuredClone(field.default);
    if (out[name] !== undefined) out[name] = fillIn(field, out[name]);
  }
  return out;
}

const show = (value: unknown): string =>
  typeof value === 'string' ? JSON.stringify(value) : isRecord(value) ? 'object' : (JSON.stringify(value) ?? 'null');

const types: Record<string, string> = {
  integer: 'integer',
  string: 'string',
  boolean: 'boolean',
  object: 'object',
  array: 'array',
  number: 'number',
};
const typeOf = (value: unknown): string =>
  Array.isArray(value) ? 'array' : value === null ? 'null' : Number.isInteger(value) ? 'integer' : typeof value;

/** `/spec/peers/0/x` as `spec.peers[0].x`. */
const fieldAt = (pointer: string): string =>
  pointer
    .slice(1)
    .split('/')
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((at, name) => (/^\d+$/.test(name) ? `${at}[${name}]` : at === '' ? name : `${at}.${name}`), '');

/** A schema error with the message of a real API server. Source: apiextensions-apiserver, pkg/apiserver/validation. */
function causeOf({ keyword, instancePath, params, data, message = '' }: ErrorObject): FieldCause | null {
  const field = fieldAt(instancePath);
  const p = params as Json;
  const bad = (words: string): FieldCause => ({
    reason: 'FieldValueInvalid',
    field,
    message: `Invalid value: ${show(data)}: ${words}`,
  });
  switch (keyword) {
    case 'required': {
      const at = field === '' ? String(p['missingProperty']) : `${field}.${String(p['missingProperty'])}`;
      return { reason: 'FieldValueRequired', field: at, message: 'Required value' };
    }
    case 'enum':
      return {
        reason: 'FieldValueNotSupported',
        field,
        message: `Unsupported value: ${show(data)}: supported values: ${list(p['allowedValues']).map(show).join(', ')}`,
      };
    case 'type':
      return {
        reason: 'FieldValueTypeInvalid',
        field,
        message: `Invalid value: ${JSON.stringify(typeOf(data))}: ${field} in body must be of type ${types[String(p['type'])] ?? String(p['type'])}: ${JSON.stringify(typeOf(data))}`,
      };
    case 'maxLength':
      return {
        reason: 'FieldValueTooLong',
        field,
        message: `Too long: may not be more than ${String(p['limit'])} bytes`,
      };
    case 'maxItems':
      return {
        reason: 'FieldValueTooMany',
        field,
        message: `Too many: ${list(data).length}: must have at most ${String(p['limit'])} items`,
      };
    case 'pattern':
      return bad(`${field} in body should match '${String(p['pattern'])}'`);
    case 'minimum':
      return bad(`${field} in body should be greater than or equal to ${String(p['limit'])}`);
    case 'maximum':
      return bad(`${field} in body should be less than or equal to ${String(p['limit'])}`);
    case 'minLength':
      return bad(`${field} in body should be at least ${String(p['limit'])} chars long`);
    case 'minItems':
      return bad(`${field} in body should have at least ${String(p['limit'])} items`);
    case 'anyOf':
      return bad(`${field} in body must validate at least one schema (anyOf)`);
    default:
      return bad(`${field} in body ${message}`);
  }
}

/** A rule that cannot be evaluated refuses the object; it is no error of the server. */
function evaluate(run: (context: Json) => unknown, context: Json): unknown {
  try {
    return run(context);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** The rules of a schema, once its shape is right. `old` is undefined on creation; rules with `oldSelf` hold on updates only. */
function* checkRules(schema: Schema, value: unknown, old: unknown, path: string): Generator<FieldCause> {
  for (const { rule, message, reason } of schema['x-kubernetes-validations'] ?? []) {
    if (rule.includes('oldSelf') && old === undefined) continue;
    let run = rules.get(rule);
    if (!run) rules.set(rule, (run = cel.parse(rule) as (context: Json) => unknown));
    const verdict = evaluate(run, { self: value, oldSelf: old });
    if (verdict === true) continue;
    yield {
      reason: reason ?? 'FieldValueInvalid',
      field: path === '' ? '<nil>' : path,
      message: `Invalid value: ${show(value)}: ${verdict instanceof Error ? `rule evaluation error: ${verdict.message}` : (message ?? `failed rule: ${rule}`)}`,
    };
  }
  if (Array.isArray(value)) yield* checkItems(schema, value, old, path);
  else if (isRecord(value)) {
    for (const [name, field] of Object.entries(schema.properties ?? {})) {
      if (value[name] === undefined) continue;
      yield* checkRules(
        field,
        value[name],
        isRecord(old) ? old[name] : undefined,
        path === '' ? name : `${path}.${name}`,
      );
    }
  }
}

function* checkItems(schema: Schema, value: unknown[], old: unknown, path: string): Generator<FieldCause> {
  const keys = schema['x-kubernetes-list-map-keys'];
  const keyOf = (item: unknown): unknown =>
    keys && isRecord(item) ? Object.fromEntries(keys.map((key) => [key, item[key]])) : item;
  const seen: unknown[] = [];
  for (const [at, item] of value.entries()) {
    const key = keyOf(item);
    if (keys || schema['x-kubernetes-list-type'] === 'set') {
      if (seen.some((other) => isDeepStrictEqual(other, key)))
        yield {
          reason: 'FieldValueDuplicate',
          field: `${path}[${at}]`,
          message: `Duplicate value: ${JSON.stringify(key)}`,
        };
      seen.push(key);
    }
    const before = keys ? list(old).find((other) => isDeepStrictEqual(keyOf(other), key)) : undefined;
    if (schema.items) yield* checkRules(schema.items, item, before, `${path}[${at}]`);
  }
}

/** Everything that the schema has against a value: shape first, then, where that is right, list keys and CEL rules. */
export function validate(schema: Schema, value: unknown, old: unknown): FieldCause[] {
  let check = compiled.get(schema);
  if (!check) compiled.set(schema, (check = ajv.compile(schema)));
  if (check(value)) return [...checkRules(schema, value, old, '')];
  return nearest(check.errors ?? []).flatMap((error) => causeOf(error) ?? []);
}

const branchOf = ({ schemaPath }: ErrorObject): string | undefined => /^.*?\/anyOf\/\d+(?=\/)/.exec(schemaPath)?.[0];

/** The branches of a failed anyOf with the fewest errors: they name the field that the user has to correct. */
function nearest(errors: readonly ErrorObject[]): ErrorObject[] {
  const branches = [...Map.groupBy(errors, branchOf)].filter(([branch]) => branch !== undefined);
  const least = Math.min(...branches.map(([, failed]) => failed.length));
  const far = new Set(branches.filter(([, failed]) => failed.length > least).map(([branch]) => branch));
  return errors.filter((error) => !far.has(branchOf(error)));
}
