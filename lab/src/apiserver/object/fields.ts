import { canonical, isRecord, list, member } from '@ifactor/common/json';
import type { Json } from '@ifactor/common/json';
import { fieldOf } from '../schema/resource.ts';
import type { Schema } from '../schema/resource.ts';

/** A leaf's place in an object: `f:name` steps into a field, `k:{…}` into an item of a keyed list, `v:…` is an item of a set. */
export type Path = readonly string[];
export type FieldSet = Map<string, Path>;

const spell = (path: Path): string => path.join('\u0000');

const string: Schema = { type: 'string' };
const metadata: Schema = {
  type: 'object',
  properties: {
    labels: { type: 'object', additionalProperties: string },
    annotations: { type: 'object', additionalProperties: string },
    finalizers: { type: 'array', items: string, 'x-kubernetes-list-type': 'set' },
    ownerReferences: {
      type: 'array',
      items: { type: 'object' },
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['uid'],
    },
  },
};
/** Never owned by a manager. */
const system = new Set(['apiVersion', 'kind']);
const systemMetadata = new Set([
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
  'selfLink',
  'generateName',
]);

/** The schema of a field: metadata has the same one for every kind. */
const fieldSchema = (schema: Schema, name: string, root: boolean): Schema => {
  if (root && name === 'metadata') return metadata;
  const { additionalProperties } = schema;
  return fieldOf(schema, name) ?? (isRecord(additionalProperties) ? additionalProperties : {});
};

const keyOf = (schema: Schema, item: unknown): string | null => {
  if (schema['x-kubernetes-list-type'] === 'set') return `v:${JSON.stringify(item)}`;
  const keys = schema['x-kubernetes-list-map-keys'];
  if (!keys || !isRecord(item)) return null;
  return `k:${canonical(Object.fromEntries(keys.map((key) => [key, item[key]])))}`;
};

/** The leaves of an object, by the granularity that its schema has. */
export function fieldsOf(schema: Schema, object: unknown): FieldSet {
  const found: FieldSet = new Map();
  const add = (path: Path): void => void found.set(spell(path), path);
  const walk = (inner: Schema, value: unknown, path: Path, root: boolean): void => {
    const atomic = inner['x-kubernetes-map-type'] === 'atomic';
    if (isRecord(value) && !atomic && (root || Object.keys(value).length > 0)) {
      for (const [name, child] of Object.entries(value)) {
        if (root && system.has(name)) continue;
        if (path.length === 1 && path[0] === 'f:metadata' && systemMetadata.has(name)) continue;
        walk(fieldSchema(inner, name, root), child, [...path, `f:${name}`], false);
      }
    } else if (Array.isArray(value) && value.length > 0 && value.every((item) => keyOf(inner, item) !== null)) {
      for (const item of value) {
        const at = [...path, keyOf(inner, item) ?? ''];
        if (inner['x-kubernetes-list-type'] === 'set') add(at);
        else {
          add([...at, '.']);
          walk(inner.items ?? {}, item, at, false);
        }
      }
    } else add(path);
  };
  walk(schema, object, [], true);
  return found;
}

/** The value of a leaf; undefined where the object has none. */
export function valueAt(object: unknown, path: Path): unknown {
  let at: unknown = object;
  for (const step of path) {
    if (step === '.') return at === undefined ? undefined : true;
    if (step.startsWith('f:')) at = member(at, step.slice(2));
    else if (step.startsWith('v:')) at = list(at).find((item) => JSON.stringify(item) === step.slice(2));
    else at = itemOf(at, step);
  }
  return at;
}

function itemOf(items: unknown, step: string): unknown {
  const key = JSON.parse(step.slice(2)) as Json;
  return list(items).find(
    (item) =>
      isRecord(item) && Object.entries(key).every(([name, value]) => canonical(item[name]) === canonical(value)),
  );
}

/** Merges an applied value into a live one: objects field by field, keyed lists item by item, other values as a whole. */
export function lay(schema: Schema, live: unknown, applied: unknown, root = true): unknown {
  if (isRecord(live) && isRecord(applied) && schema['x-kubernetes-map-type'] !== 'atomic') {
    const laid = Object.entries(applied).map(([name, value]) => [
      name,
      lay(fieldSchema(schema, name, root), member(live, name), value, false),
    ]);
    return { ...live, ...Object.fromEntries(laid) };
  }
  if (!Array.isArray(live) || !Array.isArray(applied)) return applied;
  if ([...live, ...applied].some((item) => keyOf(schema, item) === null)) return applied;
  const rest = new Map(applied.map((item) => [keyOf(schema, item), item as unknown]));
  const merged = live.map((item) => {
    const key = keyOf(schema, item);
    if (!rest.has(key)) return item as unknown;
    const over = rest.get(key);
    rest.delete(key);
    return lay(schema.items ?? {}, item, over, false);
  });
  return [...merged, ...rest.values()];
}

/** Takes a leaf out of an object, and what is empty after that. The object is changed. */
export function takeOut(object: unknown, path: Path): void {
  const [step = '', ...rest] = path;
  if (step.startsWith('f:') && isRecord(object)) {
    const name = step.slice(2);
    if (rest.length === 0) delete object[name];
    else {
      takeOut(object[name], rest);
      const inner = object[name];
      if ((isRecord(inner) && Object.keys(inner).length === 0) || (Array.isArray(inner) && inner.length === 0))
        delete object[name];
    }
  } else if (Array.isArray(object) && !step.startsWith('f:')) {
    const item = step.startsWith('v:')
      ? object.find((one) => JSON.stringify(one) === step.slice(2))
      : itemOf(object, step);
    if (item === undefined) return;
    if (rest.length === 0 || rest[0] === '.') object.splice(object.indexOf(item), 1);
    else takeOut(item, rest);
  }
}

/** `fieldsV1`, the tree that managedFields hold. */
export function encodeFields(fields: FieldSet): Json {
  const tree: Json = {};
  for (const path of fields.values()) {
    let at = tree;
    for (const step of path) at = (at[step] ??= {}) as Json;
  }
  return tree;
}

export function decodeFields(tree: unknown): FieldSet {
  const found: FieldSet = new Map();
  const walk = (node: unknown, path: Path): void => {
    const steps = isRecord(node) ? Object.entries(node) : [];
    if (steps.length === 0 && path.length > 0) found.set(spell(path), path);
    for (const [step, inner] of steps) walk(inner, [...path, step]);
  };
  walk(tree, []);
  return found;
}

/** `.spec.peers[publicKey="x"].endpoint`, as conflicts name a leaf. */
export const printPath = (path: Path): string =>
  path.map((step) => (step.startsWith('f:') ? `.${step.slice(2)}` : step === '.' ? '' : `[${step.slice(2)}]`)).join('');
