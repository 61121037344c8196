import { ApiError } from '../kube/error.ts';
import type { KubeObject } from '../kube/object.ts';
import type { KubeApi, NewObject, ObjectTarget, WatchEvent } from '../kube/port.ts';
import { apiVersionOf } from '../kube/resource.ts';
import type { Resource } from '../kube/resource.ts';

type Recorded = { plural: string; version: number; event: WatchEvent };

const idOf = ({ plural }: Resource, { namespace = '', name }: ObjectTarget): string => `${plural}/${namespace}/${name}`;
const copy = <T>(value: T): T => structuredClone(value);
const answer = <T>(work: () => T): Promise<T> => Promise.resolve().then(work);

function refuse(code: number, reason: string, message: string, name?: string): never {
  throw new ApiError(code, { code, reason, message, ...(name !== undefined && { details: { name } }) }, 'memory');
}

/**
 * Kubernetes in memory, as far as KubeApi needs it: resource versions, uids, finalizers, generations, paging and watches.
 * It passes the same suite as a real API server; it has no schemas and no admission.
 */
export function createMemoryKube(now: () => number = Date.now): KubeApi {
  const objects = new Map<string, KubeObject>();
  const history: Recorded[] = [];
  const waiting = new Set<() => void>();
  let version = 0;

  function need(resource: Resource, target: ObjectTarget): KubeObject {
    return (
      objects.get(idOf(resource, target)) ??
      refuse(404, 'NotFound', `${resource.plural} "${target.name}" not found`, target.name)
    );
  }

  function record(resource: Resource, type: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubeObject): KubeObject {
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(++version) } };
    const id = idOf(resource, stored.metadata);
    if (type === 'DELETED') objects.delete(id);
    else objects.set(id, stored);
    history.push({ plural: resource.plural, version, event: { type, object: stored } });
    for (const wake of waiting) wake();
    return copy(stored);
  }

  /** Stores a change; one that changes nothing keeps the resource version. */
  function update(resource: Resource, before: KubeObject, after: KubeObject): KubeObject {
    const { uid, resourceVersion } = after.metadata;
    if (uid !== before.metadata.uid) refuse(409, 'Conflict', 'the uid differs', before.metadata.name);
    if (resourceVersion !== before.metadata.resourceVersion)
      refuse(409, 'Conflict', 'the object has been modified', before.metadata.name);
    if (JSON.stringify(before) === JSON.stringify(after)) return copy(before);
    const generation = (before.metadata.generation ?? 1) + (sameSpec(before, after) ? 0 : 1);
    const stored = { ...after, metadata: { ...after.metadata, generation } };
    const ends = stored.metadata.deletionTimestamp !== undefined && (stored.metadata.finalizers ?? []).length === 0;
    return record(resource, ends ? 'DELETED' : 'MODIFIED', stored);
  }

  async function* watch(resource: Resource, from: number, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    for (let at = 0; ;) {
      for (; at < history.length; at++) {
        const { plural, version: changed, event } = history[at]!;
        if (plural === resource.plural && changed > from) yield copy(event);
      }
      if (signal.aborted) throw signal.reason;
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          waiting.delete(wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        waiting.add(wake);
        signal.addEventListener('abort', wake);
      });
    }
  }

  return {
    list: (resource, { limit, from }) =>
      answer(() => {
        const all = [...objects]
          .filter(([id]) => id.startsWith(`${resource.plural}/`))
          .toSorted(([a], [b]) => (a < b ? -1 : 1));
        const rest = all.filter(([id]) => id > (from ?? ''));
        const page = rest.slice(0, limit);
        return {
          items: page.map(([, object]) => copy(object)),
          resourceVersion: String(version),
          next: rest.length > limit ? page.at(-1)?.[0] : undefined,
        };
      }),
    async *watch(resource, { resourceVersion, signal }, opened) {
      opened();
      yield* watch(resource, Number(resourceVersion), signal);
    },
    get: (resource, target) => answer(() => copy(objects.get(idOf(resource, target)))),
    create: (resource, object) =>
      answer(() => {
        const { name } = object.metadata;
        if (objects.has(idOf(resource, object.metadata))) refuse(409, 'AlreadyExists', `${name} already exists`, name);
        const metadata = {
          ...object.metadata,
          uid: `uid-${version + 1}`,
          resourceVersion: '',
          generation: 1,
          creationTimestamp: stamp(now()),
        };
        return record(resource, 'ADDED', { ...typed(resource, copy(object)), metadata });
      }),
    replace: (resource, object) =>
      answer(() => {
        const before = need(resource, object.metadata);
        const { generation, creationTimestamp, deletionTimestamp, uid } = before.metadata;
        const kept = {
          creationTimestamp,
          ...(generation !== undefined && { generation }),
          ...(deletionTimestamp !== undefined && { deletionTimestamp }),
        };
        const metadata = { uid, resourceVersion: '', ...object.metadata, ...kept };
        const rest = { ...typed(resource, copy(object)) };
        delete rest['status'];
        return update(resource, before, {
          ...rest,
          metadata,
          ...(before.status !== undefined && { status: before.status }),
        });
      }),
    merge: (resource, target, change) =>
      answer(() => {
        const before = need(resource, target);
        return update(resource, before, merged(before, copy(change)) as KubeObject);
      }),
    writeStatus: (resource, { uid, ...target }, status) =>
      answer(() => {
        const before = need(resource, target);
        const after = { ...before, metadata: { ...before.metadata, uid } };
        return update(resource, before, { ...after, status: copy(status) as Record<string, unknown> });
      }),
    delete: (resource, target) =>
      answer(() => {
        const before = need(resource, target);
        if (before.metadata.uid !== target.uid) refuse(409, 'Conflict', 'the uid differs', target.name);
        if ((before.metadata.finalizers ?? []).length === 0) record(resource, 'DELETED', before);
        else if (before.metadata.deletionTimestamp === undefined)
          record(resource, 'MODIFIED', {
            ...before,
            metadata: { ...before.metadata, deletionTimestamp: stamp(now()) },
          });
      }),
  };
}

function typed(resource: Resource, object: NewObject): NewObject & Pick<KubeObject, 'apiVersion' | 'kind'> {
  return { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind };
}

function sameSpec(a: KubeObject, b: KubeObject): boolean {
  return JSON.stringify(a.spec) === JSON.stringify(b.spec);
}

/** `metav1.Time` has no fractions. */
function stamp(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** RFC 7396. */
function merged(before: unknown, change: unknown): unknown {
  if (typeof change !== 'object' || change === null || Array.isArray(change)) return change;
  const result: Record<string, unknown> = { ...(typeof before === 'object' && !Array.isArray(before) ? before : {}) };
  for (const [name, value] of Object.entries(change)) {
    if (value === null) delete result[name];
    else result[name] = merged(result[name], value);
  }
  return result;
}
