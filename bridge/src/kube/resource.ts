import { kinds } from '@ifactor/crds';
import type { KindName } from '@ifactor/crds';

/** One resource type of the API. `group` is empty for the core group. */
export type Resource = { group: string; version: string; plural: string; kind: string };

export const resources = {
  namespaces: { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace' },
  secrets: { group: '', version: 'v1', plural: 'secrets', kind: 'Secret' },
  events: { group: '', version: 'v1', plural: 'events', kind: 'Event' },
  leases: { group: 'coordination.k8s.io', version: 'v1', plural: 'leases', kind: 'Lease' },
} as const satisfies Record<string, Resource>;

export function resourceOf(kind: KindName): Resource {
  return kinds[kind];
}

export function apiVersionOf({ group, version }: Resource): string {
  return group === '' ? version : `${group}/${version}`;
}

/** URL path of a collection, of an object in it, or of a subresource of that. */
export function pathOf(resource: Resource, namespace?: string, name?: string, subresource?: string): string {
  const parts = resource.group === '' ? ['api', resource.version] : ['apis', resource.group, resource.version];
  if (namespace !== undefined) parts.push('namespaces', namespace);
  parts.push(resource.plural);
  if (name !== undefined) parts.push(name);
  if (subresource !== undefined) parts.push(subresource);
  return `/${parts.map(encodeURIComponent).join('/')}`;
}
