import { createHash } from 'node:crypto';
import { isRecord } from '@ifactor/common/json';
import type { Json } from '@ifactor/common/json';
import { servedApiVersion } from '../schema/resource.ts';
import type { ServedResource } from '../schema/resource.ts';

const pathOf = (groupVersion: string): string =>
  groupVersion.includes('/') ? `apis/${groupVersion}` : `api/${groupVersion}`;

/** The index at /openapi/v3. */
export function openApiIndex(resources: readonly ServedResource[]): Json {
  const versions = [...new Set(resources.map(servedApiVersion))];
  const paths = versions.map((one) => {
    const hash = createHash('sha256')
      .update(JSON.stringify(openApiOf(resources, one)))
      .digest('hex')
      .slice(0, 16)
      .toUpperCase();
    return [pathOf(one), { serverRelativeURL: `/openapi/v3/${pathOf(one)}?hash=${hash}` }];
  });
  return { paths: Object.fromEntries(paths) };
}

const metadataName = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

/** OpenAPI v3 of one group version, for `kubectl explain` and for what kubectl checks before it sends. Null for an unknown group version. */
export function openApiOf(resources: readonly ServedResource[], groupVersion: string): Json | null {
  const own = resources.filter((resource) => servedApiVersion(resource) === groupVersion);
  if (own.length === 0) return null;
  const schemas: Json = {
    [metadataName]: {
      type: 'object',
      description: 'ObjectMeta is metadata that all persisted resources must have.',
      properties: Object.fromEntries(
        Object.entries(metadataFields).map(([name, description]) => [name, metadataField(name, description)]),
      ),
    },
  };
  const paths: Json = {};
  for (const resource of own) {
    const name = nameOf(resource);
    const properties = isRecord(resource.schema.properties) ? resource.schema.properties : {};
    schemas[name] = {
      ...resource.schema,
      type: 'object',
      properties: {
        ...properties,
        apiVersion: { type: 'string', description: 'Version of the schema of this object, GROUP/VERSION.' },
        kind: { type: 'string', description: 'Kind of this object.' },
        metadata: {
          allOf: [{ $ref: `#/components/schemas/${metadataName}` }],
          description: 'Standard object metadata.',
          default: {},
        },
      },
      'x-kubernetes-group-version-kind': [{ group: resource.group, version: resource.version, kind: resource.kind }],
    };
    const base = `/${pathOf(groupVersion)}/${resource.namespaced ? 'namespaces/{namespace}/' : ''}${resource.plural}`;
    paths[base] = { get: operation(resource, 'list'), post: operation(resource, 'post') };
    paths[`${base}/{name}`] = {
      get: operation(resource, 'get'),
      put: operation(resource, 'put'),
      patch: operation(resource, 'patch'),
      delete: operation(resource, 'delete'),
    };
  }
  return { openapi: '3.0.0', info: { title: 'ifactor lab', version: 'v1.33.0' }, paths, components: { schemas } };
}

const nameOf = ({ group, version, kind }: ServedResource): string =>
  group === '' ? `io.k8s.api.core.${version}.${kind}` : `${group.split('.').toReversed().join('.')}.${version}.${kind}`;

function operation(resource: ServedResource, action: string): Json {
  const { group, version, kind } = resource;
  const schema = { $ref: `#/components/schemas/${nameOf(resource)}` };
  const writes = ['post', 'put', 'patch'].includes(action);
  return {
    operationId: `${action}${kind}`,
    parameters: ['dryRun', 'fieldManager', 'fieldValidation', ...(action === 'patch' ? ['force'] : [])].map((name) => ({
      name,
      in: 'query',
      schema: { type: 'string', uniqueItems: true },
    })),
    ...(writes ? { requestBody: { content: { 'application/json': { schema } } } } : {}),
    responses: { 200: { description: 'OK', content: { 'application/json': { schema } } } },
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': { group, version, kind },
  };
}

const metadataFields: { [name: string]: string } = {
  name: 'Unique within a namespace.',
  namespace: 'The space within which the name must be unique.',
  labels: 'Map of keys and values by which objects are selected.',
  annotations: 'Map of keys and values that tools keep beside the object.',
  finalizers: 'Who must act before the object is removed.',
  ownerReferences: 'Objects that this one depends on: it is removed with them.',
  uid: 'Unique in time and space.',
  resourceVersion: 'Changes with every write.',
  generation: 'Counts changes of the desired state.',
  creationTimestamp: 'When the object was created.',
  deletionTimestamp: 'When the object is to be removed.',
};

function metadataField(name: string, description: string): Json {
  if (name === 'labels' || name === 'annotations')
    return { type: 'object', description, additionalProperties: { type: 'string', default: '' } };
  if (name === 'finalizers') return { type: 'array', description, items: { type: 'string', default: '' } };
  if (name === 'ownerReferences') return { type: 'array', description, items: { type: 'object' } };
  return { type: name === 'generation' ? 'integer' : 'string', description };
}
