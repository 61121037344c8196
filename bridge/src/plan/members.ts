import type { KubeObject } from '../kube/object.ts';
import type { ObjectStore } from '../kube/reflector.ts';
import { ownerPlan } from './owner.ts';

/** The interfaces and Secrets that a plan controls. */
export type Members = { children: KubeObject[]; secrets: KubeObject[] };

type Stores = { interfaces: ObjectStore; secrets: ObjectStore };

/** What names this plan as its controller, in the plan's own namespace. */
export function membersOf({ interfaces, secrets }: Stores, { metadata }: KubeObject): Members {
  const isMember = (object: KubeObject): boolean =>
    object.metadata.namespace === metadata.namespace && ownerPlan(object)?.uid === metadata.uid;
  return { children: [...interfaces.all()].filter(isMember), secrets: [...secrets.all()].filter(isMember) };
}

/**
 * What names a plan of this name and namespace that is not the one of `uid`, by the uid of the plan that it names.
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
