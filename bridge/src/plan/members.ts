import type { KubeObject } from '../kube/object.ts';
import type { ObjectStore } from '../kube/reflector.ts';
import { ownerPlan } from './owner.ts';

/** The interfaces and Secrets that a plan controls. */
export type Members = { children: KubeObject[]; secrets: KubeObject[] };

type Stores = { interfaces: ObjectStore; secrets: ObjectStore };

/** Objects in the plan's namespace whose controller is this plan. */
export function membersOf({ interfaces, secrets }: Stores, { metadata }: KubeObject): Members {
  const isMember = (object: KubeObject): boolean =>
    object.metadata.namespace === metadata.namespace && ownerPlan(object)?.uid === metadata.uid;
  return { children: [...interfaces.all()].filter(isMember), secrets: [...secrets.all()].filter(isMember) };
}

/**
 * Objects whose controller is a plan of this namespace and name with another uid than `uid`, by the uid in their reference.
 * @param key `namespace/name` of the plan
 */
export function orphansOf({ interfaces, secrets }: Stores, key: string, uid: string | undefined): Map<string, Members> {
  const orphans = new Map<string, Members>();
  const sort = (objects: ObjectStore, list: keyof Members): void => {
    for (const object of objects.all()) {
      const owner = ownerPlan(object);
      if (owner === undefined || owner.uid === uid || `${object.metadata.namespace}/${owner.name}` !== key) continue;
      const members = orphans.get(owner.uid) ?? { children: [], secrets: [] };
      members[list].push(object);
      orphans.set(owner.uid, members);
    }
  };
  sort(interfaces, 'children');
  sort(secrets, 'secrets');
  return orphans;
}
