import { isDeepStrictEqual } from 'node:util';
import { kinds } from '@ifactor/crds';
import type { Desired, InterfaceSpec, Key } from '@ifactor/crds';
import { rulesOf } from '../../interface/kind/index.ts';
import type { Actor, Declared, Fact } from '../runner/actor.ts';

/** The actor that an object is for; null for kinds that agents do not handle. */
export function interfaceKeyOf({ kind, namespace, name }: Pick<Desired, 'kind' | 'namespace' | 'name'>): Key | null {
  const meta = Object.values(kinds).find((known) => known.kind === kind && known.kind !== 'WireGuardNetworkPlan');
  return meta ? { kind: meta.token, namespace, name } : null;
}

/**
 * Whether a message is older than what is known of the same object. A bridge that wakes from a freeze may publish what it knew
 * before: generations of an object only rise, and so do its resource versions.
 * @param last the last message that was taken, which may be younger than the last generation
 */
export function isStale({ desired: known, deletion }: Declared, last: Desired | undefined, desired: Desired): boolean {
  if (known === null || known.uid !== desired.uid) return false;
  // A deletion in Kubernetes cannot be undone; only an object whose tombstone was published by mistake is declared again.
  if (deletion !== null && !deletion.gone && isAlive(desired))
    return !isOlder(deletion.resourceVersion, desired.resourceVersion);
  if (desired.generation !== known.generation) return desired.generation < known.generation;
  const seen = [known, deletion, last?.uid === desired.uid ? last : null].flatMap((one) => one?.resourceVersion ?? []);
  return desired.deleted === true && seen.some((version) => isOlder(desired.resourceVersion, version));
}

const isAlive = ({ deleted, deletionTimestamp }: Desired): boolean =>
  deleted !== true && deletionTimestamp === undefined;

/** Resource versions are numbers that rise; of those that are spelled otherwise, or missing, nothing is known. */
const isOlder = (version: string, than: string): boolean =>
  /^\d+$/.test(version) && /^\d+$/.test(than) && BigInt(version) < BigInt(than);

/**
 * What a desired message means to an actor: the facts that it does not know yet. Messages repeat (restarts, resyncs), and
 * Kubernetes counts up resource versions for changes of status: neither is a fact. Judged by what is queued, too.
 */
export function newFacts(actor: Actor, desired: Desired): Fact[] {
  const { desired: known, deletion } = actor.declared;
  const { uid, generation } = desired;
  const gone = desired.deleted === true;
  if (gone || desired.deletionTimestamp !== undefined) {
    // The tombstone of a former object does not apply to this one.
    if (known === null || known.uid !== uid) return gone ? [] : [specChanged(desired), deletionOf(desired)];
    if (deletion !== null && (deletion.gone || !gone)) return [];
    return [deletionOf(desired)];
  }
  const same = known?.uid === uid && known.generation === generation && deletion === null;
  return same ? [] : [specChanged(desired)];
}

/**
 * Facts that a restored actor gets again, because this version reads the stored spec differently from the version that recorded it,
 * which knew more fields, or fewer.
 */
export function rereadFacts({ key, snapshot: { context } }: Actor, desired: Desired): Fact[] {
  const { desired: known, deletion, confirm } = context;
  if (known?.uid !== desired.uid || known.generation !== desired.generation || deletion !== null) return [];
  if (!isAlive(desired)) return [];
  const read = rulesOf(key, desired.spec);
  const same =
    'problem' in read
      ? context.refused !== null
      : context.refused === null && isDeepStrictEqual(read.spec, confirm?.rolledBack?.spec ?? context.spec);
  return same ? [] : [specChanged(desired)];
}

const specChanged = (desired: Desired): Fact => {
  const { uid, generation, resourceVersion, creationTimestamp } = desired;
  return { type: 'SpecChanged', data: { uid, generation, resourceVersion, creationTimestamp, spec: specOf(desired) } };
};

const deletionOf = ({ uid, resourceVersion, deleted }: Desired): Fact => ({
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
