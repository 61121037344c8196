import { formatStatusSubject } from '@ifactor/crds';
import type { InterfaceStatus, StatusMessage } from '@ifactor/crds';
import { mayGo, withFinalizer, withoutFinalizers, isHeld } from './finalizer.ts';
import { sameJson } from '@ifactor/common/json';
import { kindOf, unspell } from '../key.ts';
import type { Client } from '../kube/client.ts';
import type { KubeObject } from '../kube/object.ts';
import type { Recorder } from '../kube/recorder.ts';
import { resourceOf } from '../kube/resource.ts';
import { applyStatus, setFinalizers } from '../kube/write.ts';
import type { Nodes, NodeView } from '../view/nodes.ts';
import { noteOf } from './note.ts';
import { wantedStatus } from './status.ts';
import type { Follower } from '../stream/follower.ts';
import { isPlace, placeOf, saidOf } from '../view/relations.ts';

export type ReportParts = {
  client: Client;
  objects(key: string): KubeObject | undefined;
  nodes: Nodes;
  statuses: Follower;
  recorder: Recorder;
  /** Subjects of IFACTOR_STATUS that speak of an object. */
  subjects(key: string): Iterable<string>;
  /** What an agent says there is of an object that is gone: it is told so, and its status taken out. */
  stray(subject: string): Promise<void>;
  /** When the status of each object was last written, and what: shared by all calls. */
  written: Map<string, { uid: string; at: number; status: InterfaceStatus }>;
};

/** The least time between two writes of one object's status, ms. */
const pace = 1000;
/** What passes within this time is not written, so that the state it leads to need not wait for its turn, ms. */
const passing = 200;
/** How long an agent is given to say a first word, ms; creation times have no fractions. */
const firstWord = 3000;

/**
 * Brings one object of the API to say what its agent says: finalizers and status.
 * @returns milliseconds after which to look again, if that is needed
 */
export async function report(parts: ReportParts, key: string): Promise<number | undefined> {
  const object = parts.objects(key);
  const kind = kindOf(unspell(key).kind);
  if (object === undefined || kind === undefined) {
    parts.written.delete(key);
    for (const subject of parts.subjects(key)) await parts.stray(subject);
    return undefined;
  }
  const { client } = parts;
  const resource = resourceOf(kind);
  const { metadata } = object;
  const now = Date.now();
  const place = placeOf(object, unspell(key).kind);
  const said = isPlace(place) ? saidOf(parts.statuses, object, place) : undefined;
  const node = isPlace(place) ? parts.nodes.view(place.node, now) : ({ state: 'unknown' } as const);

  if (isPlace(place)) {
    const own = formatStatusSubject(place);
    for (const subject of parts.subjects(key)) if (subject !== own) await parts.stray(subject);
  }
  let again: number | undefined;
  const added = withFinalizer(metadata);
  if (added !== undefined) await setFinalizers(client, resource, object, added);
  if (metadata.deletionTimestamp !== undefined) {
    if (!isHeld(metadata)) return undefined;
    const go = mayGo(object, said, node, now);
    if (go === true) {
      await setFinalizers(client, resource, object, withoutFinalizers(metadata));
      return undefined;
    }
    if (go !== false) again = go;
  }

  const status = wantedStatus(object, said, node, isPlace(place) ? undefined : place.refused, new Date(now));
  if (status === undefined || sameJson(status, object.status ?? {})) return again;
  const before = parts.written.get(key);
  const last = before?.uid === metadata.uid ? before : undefined;
  const soon = settling(
    object,
    said,
    node,
    isPlace(place) ? parts.statuses.get(formatStatusSubject(place))?.time : undefined,
    now,
  );
  if (soon > 0) return again === undefined ? soon : Math.min(soon, again);
  if (last !== undefined) {
    const wait = last.at + pace - now;
    if (wait > 0) return again === undefined ? wait : Math.min(wait, again);
  }
  if (await applyStatus(client, resource, object, status)) {
    const note = noteOf(last?.status ?? object.status, status);
    if (note !== undefined) parts.recorder.note(object, note);
    parts.written.set(key, { uid: metadata.uid, at: now, status });
  }
  return again;
}

/** Milliseconds to wait before a status is worth writing: another one is about to follow. */
function settling(
  object: KubeObject,
  said: StatusMessage | undefined,
  node: NodeView,
  saidAt: number | undefined,
  now: number,
): number {
  if (node.state !== 'reachable') return 0;
  if (said === undefined) {
    const wait = Date.parse(object.metadata.creationTimestamp) + firstWord - now;
    // More than the whole time is a clock that differs.
    return wait <= firstWord ? wait : 0;
  }
  const moving = said.status.state === 'pending' || said.status.state === 'creating' || said.status.state === 'drifted';
  const age = now - (saidAt ?? 0);
  return moving && age >= 0 ? passing - age : 0;
}
