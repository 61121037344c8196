import type { Json } from '@ifactor/common/json';
import { servedApiVersion } from '../schema/resource.ts';
import type { ServedResource } from '../schema/resource.ts';

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const statusVerbs = ['get', 'patch', 'update'];

/** Told to clients as the server's version; the API behaves as that of this release does. */
export const version = {
  major: '1',
  minor: '33',
  gitVersion: 'v1.33.0+ifactor-lab',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: 'none',
  compiler: 'node',
  platform: 'linux/amd64',
};

/** Reviews get a response but are not stored. */
export const reviews = [
  { group: 'authorization.k8s.io', version: 'v1', kind: 'SelfSubjectAccessReview', plural: 'selfsubjectaccessreviews' },
  { group: 'authorization.k8s.io', version: 'v1', kind: 'SelfSubjectRulesReview', plural: 'selfsubjectrulesreviews' },
  { group: 'authentication.k8s.io', version: 'v1', kind: 'SelfSubjectReview', plural: 'selfsubjectreviews' },
] as const;

const groupsOf = (resources: readonly ServedResource[]): string[] => [
  ...new Set([...resources.map(({ group }) => group), ...reviews.map(({ group }) => group)]),
];

/** Aggregated discovery, v2. `core` selects the group that /api serves; /apis serves the others. */
export function aggregated(resources: readonly ServedResource[], core: boolean): Json {
  const groups = groupsOf(resources).filter((group) => (group === '') === core);
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: groups.map((group) => ({
      metadata: group === '' ? {} : { name: group },
      versions: versionsOf(resources, group).map((one) => ({
        version: one,
        freshness: 'Current',
        resources: [
          ...resources
            .filter((resource) => resource.group === group)
            .map((resource) => ({
              resource: resource.plural,
              responseKind: { group, version: one, kind: resource.kind },
              scope: resource.namespaced ? 'Namespaced' : 'Cluster',
              singularResource: resource.singular,
              verbs,
              ...(resource.shortNames.length > 0 ? { shortNames: resource.shortNames } : {}),
              ...(resource.categories.length > 0 ? { categories: resource.categories } : {}),
              ...(resource.status
                ? {
                    subresources: [
                      {
                        subresource: 'status',
                        responseKind: { group, version: one, kind: resource.kind },
                        verbs: statusVerbs,
                      },
                    ],
                  }
                : {}),
            })),
          ...reviews
            .filter((review) => review.group === group)
            .map(({ kind, plural }) => ({
              resource: plural,
              responseKind: { group, version: one, kind },
              scope: 'Cluster',
              singularResource: kind.toLowerCase(),
              verbs: ['create'],
            })),
        ],
      })),
    })),
  };
}

const versionsOf = (resources: readonly ServedResource[], group: string): string[] => [
  ...new Set([...resources, ...reviews].filter((one) => one.group === group).map((one) => one.version)),
];

const groupEntry = (resources: readonly ServedResource[], group: string): Json => {
  const versions = versionsOf(resources, group).map((one) => ({ groupVersion: `${group}/${one}`, version: one }));
  return { name: group, versions, preferredVersion: versions[0] };
};

/** The older discovery, for clients that do not ask for the aggregated one. */
export const apiGroups = (resources: readonly ServedResource[]): Json => ({
  kind: 'APIGroupList',
  apiVersion: 'v1',
  groups: groupsOf(resources)
    .filter((group) => group !== '')
    .map((group) => groupEntry(resources, group)),
});

export function apiGroup(resources: readonly ServedResource[], group: string): Json | null {
  if (group === '' || !groupsOf(resources).includes(group)) return null;
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(resources, group) };
}

export const apiVersions = (): Json => ({ kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] });

/** What a group version serves; null where there is no such one. */
export function apiResources(resources: readonly ServedResource[], groupVersion: string): Json | null {
  const own = resources.filter((resource) => servedApiVersion(resource) === groupVersion);
  const asked = reviews.filter((review) => `${review.group}/${review.version}` === groupVersion);
  if (own.length + asked.length === 0) return null;
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion,
    resources: [
      ...own.flatMap((resource) => {
        const { plural: name, singular: singularName, namespaced, kind, shortNames, categories } = resource;
        const main = { name, singularName, namespaced, kind, verbs, shortNames, categories };
        return resource.status
          ? [main, { name: `${name}/status`, singularName: '', namespaced, kind, verbs: statusVerbs }]
          : [main];
      }),
      ...asked.map(({ plural, kind }) => ({
        name: plural,
        singularName: kind.toLowerCase(),
        namespaced: false,
        kind,
        verbs: ['create'],
      })),
    ],
  };
}
