import { isDeepStrictEqual } from 'node:util';
import { decodeFields, encodeFields, fieldsOf, lay, printPath, takeOut, valueAt } from './fields.ts';
import type { FieldSet } from './fields.ts';
import { isRecord, list, part, text } from '@ifactor/common/json';
import type { Json } from '@ifactor/common/json';
import { servedApiVersion } from '../schema/resource.ts';
import type { ServedResource } from '../schema/resource.ts';
import { ApiRefusal } from '../status.ts';

type Manager = { name: string; operation: 'Apply' | 'Update'; subresource: string; time: string; fields: FieldSet };

/** Who writes: the field manager, and the subresource it writes to ('' for the object itself); and when. */
export type Writer = { manager: string; subresource: string; time: string };

function read(object: Json | undefined): Manager[] {
  return list(part(object, 'metadata')['managedFields'])
    .filter(isRecord)
    .map((entry) => ({
      name: text(entry['manager']),
      operation: entry['operation'] === 'Apply' ? 'Apply' : 'Update',
      subresource: text(entry['subresource']),
      time: text(entry['time']),
      fields: decodeFields(entry['fieldsV1']),
    }));
}

function write(resource: ServedResource, object: Json, managers: Manager[]): Json {
  const managedFields = managers
    .filter(({ fields }) => fields.size > 0)
    .map(({ name, operation, subresource, time, fields }) => ({
      manager: name,
      operation,
      apiVersion: servedApiVersion(resource),
      time,
      fieldsType: 'FieldsV1',
      fieldsV1: encodeFields(fields),
      ...(subresource === '' ? {} : { subresource }),
    }));
  return { ...object, metadata: { ...part(object, 'metadata'), managedFields } };
}

/** After an update or patch: the writer owns the fields that it changed, and removed fields have no owner. */
export function afterUpdate(
  resource: ServedResource,
  before: Json | undefined,
  after: Json,
  { manager, subresource, time }: Writer,
): Json {
  const leaves = fieldsOf(resource.schema, after);
  const changed: FieldSet = new Map();
  for (const [key, path] of leaves) {
    if (before === undefined || !isDeepStrictEqual(valueAt(before, path), valueAt(after, path))) changed.set(key, path);
  }
  const managers = read(before);
  for (const one of managers) {
    for (const key of one.fields.keys()) if (changed.has(key) || !leaves.has(key)) one.fields.delete(key);
  }
  if (changed.size > 0) {
    const own = managers.find(
      (one) => one.name === manager && one.operation === 'Update' && one.subresource === subresource,
    );
    if (own) for (const [key, path] of changed) own.fields.set(key, path);
    else managers.push({ name: manager, operation: 'Update', subresource, time, fields: changed });
    if (own) own.time = time;
  }
  return write(resource, after, managers);
}

/**
 * Server-side apply: sets the applied fields on the live object, and removes the fields that this manager applied before,
 * no longer applies, and no other manager owns.
 * @throws ApiRefusal 409 where others own a field with another value, unless forced
 */
export function apply(
  resource: ServedResource,
  live: Json | undefined,
  applied: Json,
  { manager, subresource, time }: Writer,
  force: boolean,
): Json {
  const set = fieldsOf(resource.schema, applied);
  const managers = read(live);
  const own = managers.find(
    (one) => one.name === manager && one.operation === 'Apply' && one.subresource === subresource,
  );
  const conflicts: { by: string; field: string }[] = [];
  for (const other of managers) {
    if (other === own) continue;
    for (const [key, path] of other.fields) {
      if (!set.has(key) || isDeepStrictEqual(valueAt(live, path), valueAt(applied, path))) continue;
      if (force) other.fields.delete(key);
      else conflicts.push({ by: other.name, field: printPath(path) });
    }
  }
  if (conflicts.length > 0) {
    const causes = conflicts.map(({ by, field }) => ({
      reason: 'FieldManagerConflict',
      message: `conflict with "${by}"`,
      field,
    }));
    const words = conflicts.map(({ by, field }) => `conflict with "${by}": ${field}`).join('\n');
    throw new ApiRefusal(
      409,
      'Conflict',
      `Apply failed with ${conflicts.length} conflict${conflicts.length === 1 ? '' : 's'}: ${words}`,
      { causes },
    );
  }
  const merged = structuredClone(live === undefined ? applied : lay(resource.schema, live, applied)) as Json;
  for (const [key, path] of own?.fields ?? []) {
    const others = managers.some((other) => other !== own && other.fields.has(key));
    if (!set.has(key) && !others) takeOut(merged, path);
  }
  const rest = managers.filter((one) => one !== own);
  const same = own !== undefined && isDeepStrictEqual([...own.fields.keys()].toSorted(), [...set.keys()].toSorted());
  return write(resource, merged, [
    ...rest,
    { name: manager, operation: 'Apply', subresource, time: same ? own.time : time, fields: set },
  ]);
}
