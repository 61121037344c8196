import { sameJson } from '@ifactor/common/json';
import type { Client } from './client.ts';
import type { KubeObject, OwnerReference } from './object.ts';
import { apiVersionOf, pathOf } from './resource.ts';
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
 * Makes `wanted` be and what else is in `owned` not be. What differs is written whole (PUT), not applied: server-side
 * apply would leave in place what a hand had added.
 * @param look finds an object by key, to tell a name that another holds
 * @returns names that are held by objects not owned, which were left alone
 */
export async function level(
  client: Client,
  resource: Resource,
  wanted: readonly Wanted[],
  owned: readonly KubeObject[],
  look: (key: string) => KubeObject | undefined = () => undefined,
): Promise<string[]> {
  const left = new Map(owned.map((object) => [object.metadata.name, object]));
  const held: string[] = [];
  const work: Promise<unknown>[] = [];
  for (const one of wanted) {
    const { name, namespace } = one.metadata;
    const live = left.get(name);
    left.delete(name);
    if (live === undefined) {
      if (look(`${namespace}/${name}`) === undefined) work.push(create(client, resource, one));
      else held.push(name);
    } else if (live.metadata.deletionTimestamp === undefined && differs(live, one))
      work.push(replace(client, resource, live, one));
  }
  for (const { metadata } of left.values()) {
    if (metadata.deletionTimestamp !== undefined) continue;
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: metadata.uid } };
    work.push(unlessGone(client.call('DELETE', pathOf(resource, metadata.namespace, metadata.name), { body })));
  }
  // All are tried: one that is refused does not hold up the others.
  const failed = (await Promise.allSettled(work)).find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return held;
}

function create(client: Client, resource: Resource, wanted: Wanted): Promise<unknown> {
  const body = { apiVersion: apiVersionOf(resource), kind: resource.kind, ...wanted };
  // 409: it is there already; the watch brings it.
  return unlessGone(
    client.call('POST', pathOf(resource, wanted.metadata.namespace), { query: { fieldManager }, body }),
  );
}

function replace(client: Client, resource: Resource, live: KubeObject, wanted: Wanted): Promise<unknown> {
  const { labels, annotations, ownerReferences } = wanted.metadata;
  const metadata = {
    ...live.metadata,
    ...(labels && { labels: { ...live.metadata.labels, ...labels } }),
    ...(annotations && { annotations: { ...live.metadata.annotations, ...annotations } }),
    ownerReferences,
  };
  const body = { ...live, ...wanted, metadata };
  return unlessGone(
    client.call('PUT', pathOf(resource, live.metadata.namespace, live.metadata.name), {
      query: { fieldManager },
      body,
    }),
  );
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
