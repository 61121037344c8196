import { kinds } from '@ifactor/crds';
import type { KubeObject } from '../kube/object.ts';

/**
 * The plan that controls an object, if any. An owner reference has no namespace: it refers to a plan in the object's own
 * namespace, whatever its uid.
 */
export function ownerPlan({ metadata }: KubeObject): { name: string; uid: string } | undefined {
  return metadata.ownerReferences?.find(({ controller, kind, apiVersion }) => {
    const [group] = apiVersion.split('/');
    return (
      controller === true && kind === kinds.WireGuardNetworkPlan.kind && group === kinds.WireGuardNetworkPlan.group
    );
  });
}
