import { z } from 'zod';

/** A structural OpenAPI v3 schema, as a CustomResourceDefinition takes it. */
export type Structural = { [keyword: string]: unknown };

/** A zod schema uses a feature that a structural schema does not have. */
class NotStructuralError extends Error {
  override name = 'NotStructuralError';
}

/** The items of a list, in a path. */
const ITEM = '[]';

const kept = new Set([
  'type',
  'description',
  'default',
  'enum',
  'format',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'pattern',
  'minItems',
  'maxItems',
  'required',
  'x-kubernetes-validations',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
]);
/** Formats that Kubernetes checks itself, so zod's pattern for them is redundant. */
const checkedFormats = new Set(['date-time']);

/**
 * The structural schema of what a user may send: defaulted fields are optional, unknown fields are pruned by the server (kept in loose objects). Defaults of
 * fields within lists are left to whoever reads the object by its zod schema.
 * @throws NotStructuralError on a union, a record or any keyword that Kubernetes does not take
 */
export function structural(schema: z.ZodType): Structural {
  return convert(z.toJSONSchema(schema, { io: 'input', reused: 'inline' }), []);
}

function convert(node: unknown, path: readonly string[]): Structural {
  if (!isObject(node)) throw new NotStructuralError(`${path.join('.')}: not a schema`);
  const out: Structural = {};
  for (const [keyword, value] of Object.entries(node)) {
    if (keyword === 'properties' && isObject(value)) {
      const fields = Object.entries(value).map(([name, field]) => [name, convert(field, [...path, name])]);
      if (fields.length > 0) out['properties'] = Object.fromEntries(fields);
    } else if (keyword === 'items') {
      out['items'] = convert(value, [...path, ITEM]);
    } else if (keyword === 'additionalProperties' && isObject(value) && Object.keys(value).length === 0) {
      // A loose object: fields that a later version adds are kept.
      out['x-kubernetes-preserve-unknown-fields'] = true;
    } else if (keyword === 'anyOf' && onlyValues(value)) {
      out['anyOf'] = value;
    } else if (keyword === 'default' && path.includes(ITEM)) {
      // kubectl compares lists as a whole: a default in an item would be a change to undo at each `kubectl apply`.
      continue;
    } else if (kept.has(keyword)) {
      out[keyword] = value;
    } else if (keyword !== '$schema') {
      throw new NotStructuralError(`${path.join('.')}: "${keyword}" has no place in a structural schema`);
    }
  }
  if (typeof out['format'] === 'string') {
    if (checkedFormats.has(out['format'])) delete out['pattern'];
    else delete out['format'];
  }
  return out['type'] === 'integer' ? sizedInteger(out) : out;
}

/** Integers get the format that fits their range; zod's bounds of a safe integer are left out. */
function sizedInteger({ minimum, maximum, ...rest }: Structural): Structural {
  const low = minimum === Number.MIN_SAFE_INTEGER ? undefined : minimum;
  const high = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
  return {
    ...rest,
    format: typeof high === 'number' && high < 2 ** 31 ? 'int32' : 'int64',
    ...(low === undefined ? {} : { minimum: low }),
    ...(high === undefined ? {} : { maximum: high }),
  };
}

/** True where every branch only narrows values: Kubernetes takes no types, descriptions or defaults in a branch. */
function onlyValues(branches: unknown): boolean {
  return !/"(type|description|default|title)":/.test(JSON.stringify(branches));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
