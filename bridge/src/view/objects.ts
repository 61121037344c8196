import { kinds } from '@ifactor/crds';
import type { KindName } from '@ifactor/crds';
import type { BridgeContext, Enqueue } from '../context.ts';
import { secretsOf } from '../desired/draft.ts';
import { interfaceKinds, unspell } from '../key.ts';
import { keyOf } from '../kube/object.ts';
import type { KubeObject } from '../kube/object.ts';
import { reflect } from '../kube/reflector.ts';
import type { Change, ObjectStore, Reflector } from '../kube/reflector.ts';
import { resourceOf, resources } from '../kube/resource.ts';
import { ownerPlan } from '../plan/owner.ts';
import { planSecrets } from '../plan/secrets.ts';
import { changeOf } from './change.ts';
import type { OwnWrites } from './change.ts';
import { createDeletions } from './deletions.ts';
import type { Deletions } from './deletions.ts';
import type { Outage } from './outage.ts';
import { createIndex, isPlace, placeOf } from './relations.ts';

/** The API objects that the bridge reads. A change enqueues what depends on it. */
export type Objects = {
  /** An interface by `kind/namespace/name`. */
  get(key: string): KubeObject | undefined;
  plans: Reflector;
  /** WireGuardInterfaces, which plans have as children, by `namespace/name`. */
  interfaces: ObjectStore;
  secrets: Reflector;
  /** Calls with the `namespace/name` of each Secret that changes from now on. */
  onSecret(changed: (key: string) => void): void;
  /** Keys of the interfaces on a node. */
  onNode(node: string): Iterable<string>;
  deletions: Deletions;
  /** Why an object of these kinds may exist although it is not here; empty if each kind was listed completely. */
  incomplete(...of: readonly (KindName | 'Secret')[]): string[];
  enqueueAll(): void;
  enqueuePlanOf(child: KubeObject | undefined): void;
  readonly settled: Promise<unknown>;
  readonly stopped: Promise<unknown>;
};

export type ObjectsOptions = {
  context: BridgeContext;
  enqueue: Enqueue;
  outage: Outage;
  /** Writes by the bridge itself: when the watch returns them, they are no change. */
  ownWrites: OwnWrites;
  /** A kind can now be listed completely, and could not before. */
  completed: () => void;
  signal: AbortSignal;
};

export function readObjects({ context, enqueue, outage, ownWrites, completed, signal }: ObjectsOptions): Objects {
  const bySecret = createIndex();
  const byPlanSecret = createIndex();
  const byNode = createIndex();
  const deletions = createDeletions();
  const secretListeners: ((key: string) => void)[] = [];
  const shared = { api: context.api, clock: context.clock, random: context.random, outage, signal };

  function planChanged(change: Change): void {
    const { key, object } = change;
    if (object === undefined && change.before !== undefined) ownWrites.forget(change.before);
    byPlanSecret.set(key, object === undefined ? [] : planSecrets(object));
    if (object === undefined) {
      if (change.before !== undefined && change.removal === 'deleted')
        deletions.add(planKey(key), change.before.metadata.uid);
      // Another object may be waiting for the name or port that it held.
      enqueuePlans();
    }
    if (changeOf(change, object && ownWrites.of(object)) !== 'none') enqueue.plan(key);
  }

  function interfaceChanged(token: string, change: Change): void {
    const { object, before, removal } = change;
    if (object === undefined && before !== undefined) ownWrites.forget(before);
    const key = `${token}/${change.key}`;
    const place = object && placeOf(object, token);
    byNode.set(key, place !== undefined && isPlace(place) ? [place.node] : []);
    bySecret.set(key, object === undefined ? [] : secretsOf(object));
    if (removal === 'deleted' && before !== undefined) deletions.add(key, before.metadata.uid);
    const what = changeOf(change, object && ownWrites.of(object));
    if (what === 'none') return;
    enqueue.status(key);
    if (what === 'status') return;
    enqueue.desired(key);
    enqueuePlanOf(object);
    enqueuePlanOf(before);
    if (object === undefined) enqueuePlans();
  }

  function secretChanged({ key, object, before }: Change): void {
    for (const reader of bySecret.sources(key)) enqueue.desired(reader);
    for (const plan of byPlanSecret.sources(key)) enqueue.plan(plan);
    enqueuePlanOf(object);
    enqueuePlanOf(before);
    for (const changed of secretListeners) changed(key);
  }

  const plans = reflect(shared, resourceOf('WireGuardNetworkPlan'), { changed: planChanged, completed });
  const stores = new Map<string, Reflector>(
    interfaceKinds.map(({ kind, token }) => [
      token,
      reflect(shared, resourceOf(kind), { changed: (change) => interfaceChanged(token, change), completed }),
    ]),
  );
  const secrets = reflect(shared, resources.secrets, { changed: secretChanged, completed });
  const byKind = new Map<string, Reflector>([
    [kinds.WireGuardNetworkPlan.kind, plans],
    ...interfaceKinds.map(({ kind, token }) => [kind, stores.get(token)!] as const),
    [resources.secrets.kind, secrets],
  ]);
  const all = [...byKind.values()];

  function enqueuePlans(): void {
    for (const one of plans.all()) enqueue.plan(keyOf(one));
  }

  function enqueuePlanOf(child: KubeObject | undefined): void {
    const owner = child && ownerPlan(child);
    if (child !== undefined && owner !== undefined) enqueue.plan(`${child.metadata.namespace}/${owner.name}`);
  }

  function enqueueAll(): void {
    for (const [token, store] of stores) {
      for (const object of store.all()) {
        const key = `${token}/${keyOf(object)}`;
        enqueue.desired(key);
        enqueue.status(key);
        enqueuePlanOf(object);
      }
    }
    enqueuePlans();
  }

  const wireguard = kinds.WireGuardInterface.token;
  const get = (key: string): KubeObject | undefined => {
    const { kind, namespace, name } = unspell(key);
    return stores.get(kind)?.get(`${namespace}/${name}`);
  };
  return {
    get,
    plans,
    interfaces: { get: (key) => get(`${wireguard}/${key}`), all: () => stores.get(wireguard)?.all() ?? [] },
    secrets,
    onSecret: (changed) => void secretListeners.push(changed),
    onNode: (node) => byNode.sources(node),
    deletions,
    incomplete: (...of) => of.flatMap((kind) => byKind.get(kind)?.incomplete ?? []),
    enqueueAll,
    enqueuePlanOf,
    settled: Promise.all(all.map(({ settled }) => settled)),
    stopped: Promise.all(all.map(({ stopped }) => stopped)),
  };
}

/** A plan's key among those of `Deletions`. */
export function planKey(key: string): string {
  return `${kinds.WireGuardNetworkPlan.token}/${key}`;
}
