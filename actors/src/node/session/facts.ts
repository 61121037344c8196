import { isDeepStrictEqual } from 'node:util';
import { kinds } from '@ifactor/crds';
import type { Desired, InterfaceSpec, Key } from '@ifactor/crds';
import type { Fact, Actor } from '../runner/actor.ts';

/** The actor that an object is for; null for kinds that agents do not carry out. */
export function keyOf({ kind, namespace, name }: Pick<Desired, 'kind' | 'namespace' | 'name'>): Key | null {
  const meta = Object.values(kinds).find((known) => known.kind === kind && known.kind !== 'WireGuardNetworkPlan');
  return meta ? { kind: meta.token, namespace, name } : null;
}

/**
 * What a desired message means to an actor: the facts that are news to it. Messages repeat (restarts, resyncs) and
 * Kubernetes counts up resource versions for changes of status: neither is news.
 */
export function newFacts(actor: Actor, desired: Desired): Fact[] {
  const { context } = actor.snapshot;
  const known = context.desired;
  const { uid, generation } = desired;
  const gone = desired.deleted === true;
  if (gone || desired.deletionTimestamp !== undefined) {
    // The tombstone of an earlier life says nothing about this one.
    if (known === null || known.uid !== uid) return gone ? [] : [specChanged(desired), deletion(desired)];
    if (context.deletion !== null && (context.deletion.gone || !gone)) return [];
    return [deletion(desired)];
  }
  const same = known?.uid === uid && known.generation === generation && context.deletion === null;
  if (same) return [];
  return [specChanged(desired)];
}

const specChanged = (desired: Desired): Fact => {
  const { uid, generation, resourceVersion, creationTimestamp } = desired;
  return { type: 'SpecChanged', data: { uid, generation, resourceVersion, creationTimestamp, spec: specOf(desired) } };
};

const deletion = ({ uid, resourceVersion, deleted }: Desired): Fact => ({
  type: 'DeletionRequested',
  data: { uid, resourceVersion, gone: deleted === true },
});

// Its shape is checked where it is folded: a spec that breaks its schema becomes a condition.
const specOf = (desired: Desired): InterfaceSpec => desired.spec as unknown as InterfaceSpec;

/** Whether two messages say the same of an object's secrets. */
export const sameSecrets = (a: Desired | undefined, b: Desired): boolean =>
  a !== undefined &&
  isDeepStrictEqual(a.missing, b.missing) &&
  isDeepStrictEqual(
    a.secrets.map(({ ref, version }) => [ref, version]),
    b.secrets.map(({ ref, version }) => [ref, version]),
  );
