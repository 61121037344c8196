import { PlanStatusSchema } from '@ifactor/crds';
import type { KubeObject } from '../kube/object.ts';
import type { ObjectStore } from '../kube/reflector.ts';
import type { Allocation, Taken } from './allocate.ts';
import { ownerPlan } from './owner.ts';

/** Numbers, names and ports that plans have allocated, including those that the watch has not returned yet. */
export type Reservations = {
  /** Allocations of a plan: those last set here, else those of its status. */
  of(plan: KubeObject): readonly Allocation[];
  set(plan: KubeObject, allocations: readonly Allocation[]): void;
  forget(plan: KubeObject): void;
  /** Names and ports in use by others: by interfaces that this plan does not control, and by other plans' allocations. */
  taken(plan: KubeObject): Taken;
};

export function createReservations({
  plans,
  interfaces,
}: {
  plans: ObjectStore;
  interfaces: ObjectStore;
}): Reservations {
  const byUid = new Map<string, readonly Allocation[]>();
  const of = ({ metadata, status }: KubeObject): readonly Allocation[] =>
    byUid.get(metadata.uid) ?? PlanStatusSchema.safeParse(status ?? {}).data?.allocations ?? [];
  return {
    of,
    set: ({ metadata }, allocations) => void byUid.set(metadata.uid, allocations),
    forget: ({ metadata }) => void byUid.delete(metadata.uid),
    taken({ metadata: { uid, namespace } }) {
      const ports = new Set<string>();
      const names = new Set<string>();
      for (const one of interfaces.all()) {
        if (one.metadata.namespace === namespace && ownerPlan(one)?.uid === uid) continue;
        if (one.metadata.namespace === namespace) names.add(one.metadata.name);
        const { node, listenPort } = one.spec ?? {};
        if (typeof node === 'string' && typeof listenPort === 'number' && listenPort > 0)
          ports.add(`${node}/${listenPort}`);
      }
      for (const other of plans.all()) {
        if (other.metadata.uid === uid) continue;
        for (const { fromNode, listenPort } of of(other))
          if (listenPort !== undefined) ports.add(`${fromNode}/${listenPort}`);
      }
      return { port: (node, port) => ports.has(`${node}/${port}`), name: (name) => names.has(name) };
    },
  };
}
