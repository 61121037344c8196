import { sameJson } from '@ifactor/common/json';
import type { KubeObject, OwnerReference } from './object.ts';
import type { KubeApi } from './port.ts';
import type { Resource } from './resource.ts';
import { unlessGone } from './write.ts';

/** An object as it should be: the metadata given here, and every other top-level field, exactly. */
export type Wanted = {
  metadata: {
    name: string;
    namespace: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences: OwnerReference[];
  };
  spec?: object;
  data?: object;
};

const fieldManager = 'ifactor-plan';

/**
 * Creates, replaces and deletes objects until those in `owned` are exactly `wanted`. Objects that differ are replaced (PUT),
 * not applied: server-side apply would keep fields that other managers added.
 * @param find finds any object by `namespace/name`, to detect names in use
 * @returns names in use by objects that are not owned, which stay unchanged
 */
export async function converge(
  api: KubeApi,
  resource: Resource,
  wanted: readonly Wanted[],
  owned: readonly KubeObject[],
  find: (key: string) => KubeObject | undefined = () => undefined,
): Promise<string[]> {
  const left = new Map(owned.map((object) => [object.metadata.name, object]));
  const held: string[] = [];
  const work: Promise<unknown>[] = [];
  for (const one of wanted) {
    const { name, namespace } = one.metadata;
    const live = left.get(name);
    left.delete(name);
    if (live === undefined) {
      if (find(`${namespace}/${name}`) === undefined) work.push(create(api, resource, one));
      else held.push(name);
    } else if (live.metadata.deletionTimestamp === undefined && differs(live, one))
      work.push(replace(api, resource, live, one));
  }
  for (const { metadata } of left.values()) {
    if (metadata.deletionTimestamp !== undefined) continue;
    work.push(unlessGone(api.delete(resource, metadata)));
  }
  // Try all: one refusal does not stop the others.
  const failed = (await Promise.allSettled(work)).find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return held;
}

function create(api: KubeApi, resource: Resource, wanted: Wanted): Promise<unknown> {
  // 409: the object exists already, and the watch will return it.
  return unlessGone(api.create(resource, { ...wanted }, { fieldManager }));
}

function replace(api: KubeApi, resource: Resource, live: KubeObject, wanted: Wanted): Promise<unknown> {
  const { labels, annotations, ownerReferences } = wanted.metadata;
  const metadata = {
    ...live.metadata,
    ...(labels && { labels: { ...live.metadata.labels, ...labels } }),
    ...(annotations && { annotations: { ...live.metadata.annotations, ...annotations } }),
    ownerReferences,
  };
  return unlessGone(api.replace(resource, { ...live, ...wanted, metadata }, { fieldManager }));
}

function lacks(has: Record<string, string> = {}, wants: Record<string, string> = {}): boolean {
  return Object.entries(wants).some(([name, value]) => has[name] !== value);
}

function differs(live: KubeObject, wanted: Wanted): boolean {
  const { metadata, ...rest } = wanted;
  if (
    Object.entries(rest).some(
      ([field, value]) => !['apiVersion', 'kind'].includes(field) && !sameJson(live[field], value),
    )
  )
    return true;
  return lacks(live.metadata.labels, metadata.labels) || lacks(live.metadata.annotations, metadata.annotations);
}
