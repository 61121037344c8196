import type { Desired } from '@ifactor/crds';
import { kindOf, unspell } from '../key.ts';
import type { KubeApi } from '../kube/port.ts';
import { resourceOf } from '../kube/resource.ts';
import { planKey } from '../view/objects.ts';
import type { Objects } from '../view/objects.ts';
import type { Brake } from './brake.ts';

/**
 * Whether an object that is desired in the stream but was not found on the API server is gone.
 * `gone`: the deletion was seen, or every list is complete, the brake admits it, and the API server itself responds that
 * the object does not exist. `unproven`: nothing is decided; a change that could decide it enqueues the key again.
 */
export type AbsenceVerdict = 'gone' | 'unproven';

export type Absence = {
  judge(key: string, last: Pick<Desired, 'uid' | 'deletionTimestamp'>): Promise<AbsenceVerdict>;
  /** The same for a plan of which `children` interfaces are left. @param key `namespace/name` */
  judgePlan(key: string, uid: string, children: number): Promise<AbsenceVerdict>;
  /** The object exists, or its tombstone is stored. */
  settle(key: string): void;
};

export function createAbsence(
  objects: Pick<Objects, 'incomplete' | 'deletions'>,
  brake: Pick<Brake, 'admits' | 'forget'>,
  api: Pick<KubeApi, 'get'>,
): Absence {
  return {
    async judge(key, { uid, deletionTimestamp }) {
      if (objects.deletions.has(key, uid)) return 'gone';
      const { kind: token, namespace, name } = unspell(key);
      const kind = kindOf(token);
      if (kind === undefined || objects.incomplete(kind).length > 0) return 'unproven';
      if (deletionTimestamp === undefined && !brake.admits(key)) return 'unproven';
      // The store may be older than what another bridge published; the API server's own response is not.
      const found = await api.get(resourceOf(kind), { namespace, name });
      return found?.metadata.uid === uid ? 'unproven' : 'gone';
    },
    async judgePlan(key, uid, children) {
      if (objects.deletions.has(planKey(key), uid)) return 'gone';
      if (!brake.admits(planKey(key), children)) return 'unproven';
      const { namespace, name } = unspell(planKey(key));
      const found = await api.get(resourceOf('WireGuardNetworkPlan'), { namespace, name });
      return found?.metadata.uid === uid ? 'unproven' : 'gone';
    },
    settle: (key) => brake.forget(key),
  };
}
