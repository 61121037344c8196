import { NotConnected, SequenceConflict, StreamFull } from '@ifactor/common/eventStore';
import { API_VERSION, formatDesiredSubject } from '@ifactor/crds';
import type { StatusMessage } from '@ifactor/crds';
import { draft, tombstone } from './draft.ts';
import type { Absence } from './absence.ts';
import { kindOf, unspell } from '../key.ts';
import { NotLeadingError } from '../kube/fence.ts';
import type { KubeObject } from '../kube/object.ts';
import type { KubeApi } from '../kube/port.ts';
import { resourceOf } from '../kube/resource.ts';
import { isOlder } from './version.ts';
import { changedKeyWords } from '../signing/sealKeys.ts';
import type { SealKeys } from '../signing/sealKeys.ts';
import { readDesired } from '../stream/publisher.ts';
import type { Publisher } from '../stream/publisher.ts';
import type { Entry, StreamFollower } from '../stream/follower.ts';
import { unreadable } from './secret.ts';
import type { Draft } from './draft.ts';
import { isPlace, placeOf } from '../view/relations.ts';
import { withFinalizer } from '../status/finalizer.ts';
import type { ObjectWriter } from '../status/writer.ts';
import type { View } from '../view/view.ts';

export type DesiredParts = {
  api: Pick<KubeApi, 'get'>;
  view: Pick<View, 'objects' | 'messages' | 'nodes' | 'serverNow'>;
  publisher: Pick<Publisher, 'publish'>;
  writer: Pick<ObjectWriter, 'finalizers'>;
  absence: Absence;
  unsent: Unsent;
  sealKeys: Pick<SealKeys, 'accept'>;
};

/** Why an object, or its secrets, did not reach its node: for its Ready condition. */
export type Hindrance = { reason: 'NatsFull' | 'SealKeyChanged'; message: string };

/** Hindrances by key; `changed` is called when that changes. */
export type Unsent = { reasons: Map<string, Hindrance>; changed: (key: string) => void };

/** The watch is behind what the stream already has; it catches up without action. */
export class StaleViewError extends Error {
  override name = 'StaleViewError';
}

/** Milliseconds after which a bridge that does not lead, or has no connection to NATS, tries again. */
const awayMs = 1000;

/**
 * Publishes the API server's state of one object to the stream: the desired state on its node's subject, tombstones on all
 * others. This also finds deletions that no watch reported, since the stream still has the object.
 * @returns milliseconds after which to reconcile the object again, if needed
 * @throws StaleViewError if the watch is behind, StreamFull; the caller retries
 */
export async function reconcileDesired(parts: DesiredParts, key: string): Promise<number | undefined> {
  const { reasons, changed } = parts.unsent;
  const hinder = (hindrance: Hindrance | undefined): void => {
    if (reasons.get(key)?.message === hindrance?.message) return;
    if (hindrance === undefined) reasons.delete(key);
    else reasons.set(key, hindrance);
    changed(key);
  };
  try {
    const { again, hindrance } = await decideAndPublish(parts, key);
    if (again === undefined) hinder(hindrance);
    return again;
  } catch (error) {
    if (error instanceof StreamFull) hinder({ reason: 'NatsFull', message: error.message });
    // Another bridge wrote meanwhile: decide again from the current state.
    if (error instanceof SequenceConflict) return 0;
    if (error instanceof NotLeadingError || error instanceof NotConnected) return awayMs;
    throw error;
  }
}

type Outcome = {
  /** Milliseconds after which to decide again. */ again?: number | undefined;
  hindrance?: Hindrance | undefined;
};

async function decideAndPublish(parts: DesiredParts, key: string): Promise<Outcome> {
  const { api, view, publisher, absence } = parts;
  const { objects, messages, nodes, serverNow } = view;
  const object = objects.get(key);
  let current: string | undefined;
  let hindrance: Hindrance | undefined;
  if (object !== undefined) {
    absence.settle(key);
    const place = placeOf(object, unspell(key).kind);
    // The previous desired state stays in force; the object's status says why.
    if (!isPlace(place)) return {};
    current = formatDesiredSubject(place);
    const node = nodes.view(place.node, serverNow());
    const entry = messages.desired.get(current);
    let wanted = draft(object, objects.secrets, node.state === 'unknown' ? undefined : node.entry);
    if (wanted.sealKey !== undefined && node.state !== 'unknown') {
      const { sealKey: shown } = node.entry;
      const sealKey = await parts.sealKeys.accept(place.node, shown);
      if (sealKey !== shown) {
        // Whoever may write the node's entry must not be given its secrets.
        wanted = draft(object, objects.secrets, { ...node.entry, sealKey });
        hindrance = { reason: 'SealKeyChanged', message: changedKeyWords(place.node, shown, sealKey) };
      }
    }
    // A key that the bridge cannot read now may still exist: the agent keeps the one it has.
    const keep = lostSight(wanted, entry);
    const last = entry && readDesired(entry);
    const said = [...messages.desiredOf(key)].map((subject) => messages.desired.get(subject));
    const lasts = [last, ...said.map((message) => message && readDesired(message))];
    if (lasts.some((one) => one !== undefined && isOlder(wanted.desired, one)))
      await assertCurrent(api, place.kind, object);
    const first = last?.uid !== object.metadata.uid || last.deleted === true;
    if (first) {
      const wait = await finalize(parts, place.kind, object);
      if (wait !== 'finalized') return { again: wait };
    }
    if (!keep) await publisher.publish(current, wanted, entry);
  }
  for (const subject of messages.desiredOf(key)) {
    if (subject === current) continue;
    const entry = messages.desired.get(subject);
    const last = entry && readDesired(entry);
    if (last === undefined || last.deleted === true) continue;
    if (object === undefined && (await absence.judge(key, last)) === 'unproven') continue;
    await publisher.publish(subject, tombstone(last), entry);
    absence.settle(key);
  }
  return { hindrance };
}

/**
 * Ensures that an object carries a finalizer before its agent hears of it for the first time: so it cannot disappear
 * while no bridge runs, and each deletion is seen.
 * @returns 'finalized', or else when to check again in milliseconds; undefined: when the kind was listed completely
 */
async function finalize(
  { view, writer }: DesiredParts,
  token: string,
  object: KubeObject,
): Promise<'finalized' | number | undefined> {
  const added = withFinalizer(object.metadata);
  const kind = kindOf(token);
  if (added === undefined || kind === undefined) return 'finalized';
  if (view.objects.incomplete(kind).length > 0) return undefined;
  return (await writer.finalizers(resourceOf(kind), object, added)) ?? 'finalized';
}

/**
 * A draft that seems older than the stream's last message is published only if the API server has nothing newer: a bridge
 * that was stopped reads its successor's messages before its own watch has caught up.
 */
async function assertCurrent(api: DesiredParts['api'], token: string, object: KubeObject): Promise<void> {
  const kind = kindOf(token);
  const { uid, resourceVersion, namespace = '', name } = object.metadata;
  const live = kind && (await api.get(resourceOf(kind), { namespace, name }));
  if (live?.metadata.uid === uid && live.metadata.resourceVersion === resourceVersion) return;
  throw new StaleViewError(`the watch of ${token} ${namespace}/${name} is behind the API server`);
}

/** Whether a draft lacks a secret only because Secrets cannot be listed, although the object was published before. */
function lostSight({ desired }: Draft, entry: Entry | undefined): boolean {
  if (!desired.missing.some(({ reason }) => reason === unreadable)) return false;
  const last = entry && readDesired(entry);
  return last?.uid === desired.uid && last.deleted !== true && desired.deletionTimestamp === undefined;
}

/**
 * Publishes the tombstone of a gone object again: an agent reports an object that the API server does not have, or not on
 * that node, and the stream has no message about it. The agent was offline while the object was deleted and its tombstone
 * removed, or the stream was lost together with it. A missing message proves nothing: the API server is queried now.
 * @returns false if the object exists after all, or the stream still has a desired object of its name
 */
export async function tombstoneStray(
  {
    api,
    desired,
    publisher,
  }: { api: Pick<KubeApi, 'get'>; desired: StreamFollower; publisher: Pick<Publisher, 'publish'> },
  said: StatusMessage,
): Promise<boolean> {
  const { uid, kind: token, namespace, name, node } = said;
  const kind = kindOf(token);
  if (kind === undefined) return true;
  const subject = formatDesiredSubject({ node, kind: token, namespace, name });
  const entry = desired.get(subject);
  const last = entry && readDesired(entry);
  // `absence` decides whether a desired object is gone, and the agent gets its tombstone first.
  if (last !== undefined && last.deleted !== true) return false;
  // The agent already has the tombstone of exactly this object.
  if (last?.uid === uid) return true;
  const object = await api.get(resourceOf(kind), { namespace, name });
  if (object?.metadata.uid === uid) {
    const place = placeOf(object, token);
    if (!isPlace(place) || place.node === node) return false;
  }
  const generation = said.status.observedGeneration ?? 0;
  const gone = {
    apiVersion: API_VERSION,
    kind,
    namespace,
    name,
    uid,
    generation,
    // Not known: the API server, which was asked, has none of an object that is gone. So no agent takes it for an older one.
    resourceVersion: '',
    creationTimestamp: '',
  };
  await publisher.publish(subject, tombstone({ ...gone, spec: {}, secrets: [], missing: [] }), entry);
  return true;
}
