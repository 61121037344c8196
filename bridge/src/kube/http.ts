import { isRecord } from '@ifactor/common/json';
import type { Client } from './client.ts';
import { ApiError, MalformedAnswerError } from './error.ts';
import type { Status } from './error.ts';
import type { KubeObject } from './object.ts';
import type { KubeApi, ObjectTarget, WatchEvent } from './port.ts';
import { apiVersionOf, pathOf } from './resource.ts';
import type { Resource } from './resource.ts';

const at = (resource: Resource, { namespace, name }: ObjectTarget, subresource?: string): string =>
  pathOf(resource, namespace, name, subresource);
const whole = (resource: Resource, object: object): object => ({
  apiVersion: apiVersionOf(resource),
  kind: resource.kind,
  ...object,
});

/** Kubernetes over HTTP. */
export function createKubeApi(client: Client): KubeApi {
  return {
    async list(resource, { limit, from, signal }) {
      const path = pathOf(resource);
      const answer: unknown = await client.call('GET', path, {
        query: { limit, continue: from },
        ...(signal && { signal }),
      });
      const { items, metadata } = isRecord(answer) ? answer : {};
      if (!Array.isArray(items) || !isRecord(metadata) || typeof metadata['resourceVersion'] !== 'string')
        throw new MalformedAnswerError(`GET ${path}: the answer is not a list with items and a resourceVersion`);
      const { resourceVersion, continue: next } = metadata;
      return {
        items: items.map((item) => objectFrom(item, resource, path)),
        resourceVersion,
        next: typeof next === 'string' && next !== '' ? next : undefined,
      };
    },
    async *watch(resource, { resourceVersion, timeoutSeconds, signal }, opened) {
      const path = pathOf(resource);
      const query = { watch: true, allowWatchBookmarks: true, resourceVersion, timeoutSeconds };
      for await (const line of client.lines(path, { query, signal }, opened)) {
        const { type, object } = JSON.parse(line) as WatchEvent | { type: 'ERROR'; object: Status };
        if (type === 'ERROR') throw new ApiError(object.code ?? 500, object, `watch ${path}`);
        yield { type, object: type === 'BOOKMARK' ? object : objectFrom(object, resource, path) };
      }
    },
    async get(resource, target, signal) {
      const path = at(resource, target);
      try {
        return objectFrom(await client.call('GET', path, signal && { signal }), resource, path);
      } catch (error) {
        if (error instanceof ApiError && error.reason === 'NotFound' && error.object === target.name) return undefined;
        throw error;
      }
    },
    create: (resource, object, options = {}) =>
      client.call('POST', pathOf(resource, object.metadata.namespace), {
        body: whole(resource, object),
        query: { fieldManager: options.fieldManager },
        ...(options.signal && { signal: options.signal }),
      }),
    replace: (resource, object, options = {}) =>
      client.call('PUT', at(resource, object.metadata), {
        body: whole(resource, object),
        query: { fieldManager: options.fieldManager },
        ...(options.signal && { signal: options.signal }),
      }),
    merge: (resource, target, change, options = {}) =>
      client.call('PATCH', at(resource, target), {
        patch: 'merge',
        body: change,
        query: { fieldManager: options.fieldManager },
        ...(options.signal && { signal: options.signal }),
      }),
    writeStatus: (resource, { uid, ...target }, status, options) =>
      client.call('PATCH', at(resource, target, 'status'), {
        // kube-apiserver compares no uid in an apply or a merge of /status; it does what a JSON patch tests.
        patch: 'json',
        body: [
          { op: 'test', path: '/metadata/uid', value: uid },
          { op: 'add', path: '/status', value: status },
        ],
        query: { fieldManager: options.fieldManager },
        ...(options.signal && { signal: options.signal }),
      }),
    async delete(resource, { uid, ...target }) {
      const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid } };
      await client.call('DELETE', at(resource, target), { body });
    },
  };
}

/** Items of a list of a built-in resource carry neither apiVersion nor kind. */
function objectFrom(value: unknown, resource: Resource, path: string): KubeObject {
  const { metadata } = isRecord(value) ? value : {};
  const named =
    isRecord(metadata) && ['name', 'uid', 'resourceVersion'].every((field) => typeof metadata[field] === 'string');
  if (!named)
    throw new MalformedAnswerError(`GET ${path}: the answer is not an object with name, uid and resourceVersion`);
  return { ...(value as KubeObject), apiVersion: apiVersionOf(resource), kind: resource.kind };
}
