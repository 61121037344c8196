import { Environment } from '@marcbachmann/cel-js';
import { Ajv } from 'ajv';
import { definitions } from '../manifest/crd.ts';
import { structural } from '../manifest/structural.ts';

export type Verdict = { admitted: boolean; value: unknown; errors: string[] };
type Schema = {
  readonly [keyword: string]: unknown;
  readonly 'x-kubernetes-validations'?: readonly { rule: string; message: string }[];
};
type Json = Record<string, unknown>;

const ajv = new Ajv({ allErrors: true, strict: false, formats: { int32: true, int64: true, 'date-time': true } });
const cel = new Environment({ unlistedVariablesAreDyn: true });
// One of Kubernetes' own (k8s.io/apiserver/pkg/cel/library/lists.go).
cel.registerFunction('list.sum(): int', (numbers: bigint[]) => numbers.reduce((sum, number) => sum + number, 0n));

/** The generated schema of each kind's spec. */
export const schemas = {
  WireGuardNetworkPlan: structural(definitions.WireGuardNetworkPlan.spec),
  WireGuardInterface: structural(definitions.WireGuardInterface.spec),
  NetlinkInterface: structural(definitions.NetlinkInterface.spec),
};

/** A small model of an API server's handling of a custom resource's spec: prune, default, check the schema, list-map keys and CEL rules. */
export function admit(schema: Schema, sent: unknown, old?: unknown): Verdict {
  const value = prepare(schema, structuredClone(sent));
  const errors: string[] = [];
  if (!ajv.validate(schema, value)) {
    for (const { instancePath, message } of ajv.errors ?? [])
      errors.push(`${instancePath.slice(1).replaceAll('/', '.')}: ${message}`);
  } else {
    walk(schema, value, old, '', errors);
  }
  return { admitted: errors.length === 0, value, errors };
}

/** Prunes unknown fields and applies defaults, outer ones first. */
function prepare(schema: Schema, value: unknown): unknown {
  if (Array.isArray(value) && isObject(schema['items'])) {
    const { items } = schema;
    return value.map((item) => prepare(isObject(items) ? items : {}, item));
  }
  if (schema['type'] !== 'object' || !isObject(value)) return value;
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  const out: Json = {};
  for (const [name, field] of Object.entries(properties)) {
    if (!isObject(field)) continue;
    const given = value[name] === undefined ? structuredClone(field['default']) : value[name];
    if (given !== undefined) out[name] = prepare(field, given);
  }
  return out;
}

function walk(schema: Schema, value: unknown, old: unknown, path: string, errors: string[]): void {
  const { 'x-kubernetes-validations': rules = [] } = schema;
  for (const { rule, message } of rules) {
    if (rule.includes('oldSelf') && old === undefined) continue;
    if (cel.evaluate(rule, { self: value, oldSelf: old }) !== true) errors.push(`${path}: ${message}`);
  }
  if (Array.isArray(value)) {
    const keys: unknown = schema['x-kubernetes-list-map-keys'];
    if (Array.isArray(keys)) {
      const seen = value.map((item) =>
        JSON.stringify(keys.map((key) => (isObject(item) ? item[String(key)] : undefined))),
      );
      if (new Set(seen).size !== seen.length) errors.push(`${path}: Duplicate value`);
    }
    const items = schema['items'];
    // Kubernetes correlates old and new items of a list-map only; none of our rules needs it.
    if (isObject(items)) value.forEach((item, i) => walk(items, item, undefined, `${path}[${i}]`, errors));
  } else if (isObject(value) && isObject(schema['properties'])) {
    for (const [name, field] of Object.entries(schema['properties'])) {
      if (value[name] === undefined || !isObject(field)) continue;
      walk(field, value[name], isObject(old) ? old[name] : undefined, path === '' ? name : `${path}.${name}`, errors);
    }
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
