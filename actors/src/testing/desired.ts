import type { Desired } from '@ifactor/crds';

/** A NetlinkInterface as a bridge publishes it; `more`: fields that differ. */
export const desiredObject = (
  name: string,
  generation: number,
  spec: object,
  more: Partial<Desired> = {},
): Desired => ({
  apiVersion: 'networking.dn42.io/v1alpha1',
  kind: 'NetlinkInterface',
  namespace: 'default',
  name,
  uid: `uid-${name}`,
  generation,
  resourceVersion: String(generation),
  creationTimestamp: '2026-01-01T00:00:00Z',
  spec: spec as Desired['spec'],
  secrets: [],
  missing: [],
  ...more,
});
