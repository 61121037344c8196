import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { isRecord, list, part, text } from '@ifactor/common/json';
import type { Json } from '@ifactor/common/json';

/** A structural schema, as a CRD holds it. */
export type Schema = {
  readonly type?: string;
  readonly properties?: { readonly [name: string]: Schema };
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly default?: unknown;
  readonly nullable?: boolean;
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: 'atomic' | 'granular';
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-validations'?: readonly {
    rule: string;
    message?: string;
    reason?: string;
    fieldPath?: string;
  }[];
  readonly [keyword: string]: unknown;
};

export type Column = {
  name: string;
  type: string;
  format?: string;
  description: string;
  jsonPath: string;
  priority: number;
  /** Used instead of the path if the value is not that of a single field. */ read?: (object: Json) => string | number;
};

/** The schema of a field that the schema names itself: `constructor` and its like are not. */
export const fieldOf = ({ properties }: Schema, name: string): Schema | undefined =>
  properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : undefined;

/** One kind that the server serves. */
export type ServedResource = {
  group: string;
  version: string;
  kind: string;
  plural: string;
  singular: string;
  shortNames: readonly string[];
  categories: readonly string[];
  namespaced: boolean;
  /** Has a /status subresource, which the main one then leaves alone. */
  status: boolean;
  /** Counts metadata.generation. */
  generation: boolean;
  custom: boolean;
  schema: Schema;
  columns: readonly Column[];
  /** What a fieldSelector can ask for. */
  selectable: readonly string[];
};

export const servedApiVersion = ({ group, version }: Pick<ServedResource, 'group' | 'version'>): string =>
  group === '' ? version : `${group}/${version}`;

const open: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
const age: Column = {
  name: 'Age',
  type: 'date',
  description: 'Time since its creation.',
  jsonPath: '.metadata.creationTimestamp',
  priority: 0,
};
const column = (name: string, jsonPath: string, priority = 0, type = 'string'): Column => ({
  name,
  type,
  description: name,
  jsonPath,
  priority,
});

const selectable = ['metadata.name', 'metadata.namespace'];

/** How many entries the maps of an object have. */
const count = (...fields: string[]): Column => ({
  ...column('Data', '', 0, 'integer'),
  read: (object) => fields.reduce((sum, field) => sum + Object.keys(part(object, field)).length, 0),
});

const builtin = (
  kind: string,
  plural: string,
  shortNames: string[],
  more: Partial<ServedResource> = {},
): ServedResource => ({
  group: '',
  version: 'v1',
  kind,
  plural,
  singular: kind.toLowerCase(),
  shortNames,
  categories: [],
  namespaced: true,
  status: false,
  generation: false,
  custom: false,
  schema: open,
  columns: [age],
  selectable,
  ...more,
});

export const namespaces = builtin('Namespace', 'namespaces', ['ns'], {
  namespaced: false,
  columns: [column('Status', '.status.phase'), age],
  selectable: ['metadata.name', 'status.phase'],
});
const dataMap: Schema = { type: 'object', additionalProperties: { type: 'string' } };
export const secrets = builtin('Secret', 'secrets', [], {
  schema: {
    type: 'object',
    properties: { data: dataMap, stringData: dataMap, type: { type: 'string' }, immutable: { type: 'boolean' } },
  },
  columns: [column('Type', '.type'), count('data'), age],
  selectable: [...selectable, 'type'],
});
const eventResource = builtin('Event', 'events', ['ev'], {
  columns: [
    column('Last Seen', '.lastTimestamp', 0, 'date'),
    column('Type', '.type'),
    column('Reason', '.reason'),
    {
      ...column('Object', ''),
      read: (object) =>
        `${text(part(object, 'involvedObject')['kind']).toLowerCase()}/${text(part(object, 'involvedObject')['name'])}`,
    },
    column('Message', '.message'),
    column('Source', '.source.component', 1),
    column('First Seen', '.firstTimestamp', 1, 'date'),
    column('Count', '.count', 1, 'integer'),
  ],
  selectable: [
    ...selectable,
    ...['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'].map(
      (field) => `involvedObject.${field}`,
    ),
    'reason',
    'reportingComponent',
    'type',
  ],
});
export const crds = builtin('CustomResourceDefinition', 'customresourcedefinitions', ['crd', 'crds'], {
  group: 'apiextensions.k8s.io',
  namespaced: false,
  columns: [column('Created At', '.metadata.creationTimestamp')],
});

export const builtins: readonly ServedResource[] = [
  namespaces,
  secrets,
  builtin('ConfigMap', 'configmaps', ['cm'], {
    schema: { type: 'object', properties: { data: dataMap, binaryData: dataMap, immutable: { type: 'boolean' } } },
    columns: [count('data', 'binaryData'), age],
  }),
  eventResource,
  builtin('Lease', 'leases', [], {
    group: 'coordination.k8s.io',
    columns: [column('Holder', '.spec.holderIdentity'), age],
  }),
  crds,
];

/** A CRD as read from a YAML file. */
export function readDefinition(path: string): Json {
  const definition: unknown = parse(readFileSync(path, 'utf8'));
  if (!isRecord(definition) || definition['kind'] !== 'CustomResourceDefinition')
    throw new Error(`${path} holds no CustomResourceDefinition`);
  return definition;
}

/** What a CRD defines; its one served version. */
export function servedResourceOf(definition: Json): ServedResource {
  const spec = part(definition, 'spec');
  const names = part(spec, 'names');
  const version = list(spec['versions']).find((one) => isRecord(one) && one['served'] === true);
  if (!isRecord(version)) throw new Error('a CustomResourceDefinition needs a served version');
  const columns = list(version['additionalPrinterColumns'])
    .filter(isRecord)
    .map((one): Column => ({
      name: text(one['name']),
      type: text(one['type']),
      description: text(one['description']),
      jsonPath: text(one['jsonPath']),
      priority: typeof one['priority'] === 'number' ? one['priority'] : 0,
    }));
  return {
    group: text(spec['group']),
    version: text(version['name']),
    kind: text(names['kind']),
    plural: text(names['plural']),
    singular: text(names['singular']),
    shortNames: list(names['shortNames']).map((one) => text(one)),
    categories: list(names['categories']).map((one) => text(one)),
    namespaced: spec['scope'] === 'Namespaced',
    status: isRecord(part(version, 'subresources')['status']),
    generation: true,
    custom: true,
    schema: part(part(version, 'schema'), 'openAPIV3Schema'),
    columns: columns.length > 0 ? columns : [age],
    selectable: spec['scope'] === 'Namespaced' ? selectable : ['metadata.name'],
  };
}
