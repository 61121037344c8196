import type { Clock } from '@ifactor/common';
import { formatStatusSubject } from '@ifactor/crds';
import type { StatusMessage } from '@ifactor/crds';
import { kindOf, unspell } from '../key.ts';
import type { KubeObject } from '../kube/object.ts';
import { resourceOf } from '../kube/resource.ts';
import { isPlace, placeOf, saidOf } from '../view/relations.ts';
import type { NodeView } from '../view/nodes.ts';
import type { Hindrance } from '../desired/publish.ts';
import type { View } from '../view/view.ts';
import { isHeld, mayGo, withFinalizer, withoutFinalizers } from './finalizer.ts';
import { wantedStatus } from './status.ts';
import type { ObjectWriter } from './writer.ts';

export type StatusParts = {
  view: View;
  writer: ObjectWriter;
  /** Handles a status of an object that is gone: sends the agent the tombstone and purges the status. */
  stray(subject: string): Promise<void>;
  /** Why an object, or its secrets, did not reach its node, by key. */
  unsent: ReadonlyMap<string, Hindrance>;
  clock: Clock;
};

/** States that last shorter than this are not written, so that the following state need not wait for the rate limit. */
const passingMs = 200;
/** How long an agent has for its first status; creation times have no fractions. */
const firstStatusMs = 3000;

/**
 * Reconciles finalizers and status of one interface in the API with what its agent reports.
 * @returns milliseconds after which to reconcile again, if needed
 */
export async function reconcileStatus(parts: StatusParts, key: string): Promise<number | undefined> {
  const { view, writer, clock } = parts;
  const { kind: token } = unspell(key);
  const kind = kindOf(token);
  if (kind === undefined) return undefined;
  const object = view.objects.get(key);
  const complete = view.objects.incomplete(kind).length === 0;
  const place = object && placeOf(object, token);
  const own = place !== undefined && isPlace(place) ? formatStatusSubject(place) : undefined;
  if (complete && (object === undefined || own !== undefined))
    for (const subject of view.messages.statusesOf(key)) if (subject !== own) await parts.stray(subject);
  if (object === undefined || place === undefined) return undefined;

  const resource = resourceOf(kind);
  const now = clock.now();
  const said = isPlace(place) ? saidOf(view.messages.statuses, object, place) : undefined;
  const serverNow = view.serverNow();
  const node: NodeView = isPlace(place) ? view.nodes.view(place.node, serverNow) : { state: 'unknown', waitMs: 0 };
  let again: number | undefined;
  if (complete) {
    const added = withFinalizer(object.metadata);
    if (added !== undefined) again = await writer.finalizers(resource, object, added);
  }
  if (object.metadata.deletionTimestamp !== undefined) {
    if (!isHeld(object.metadata)) return undefined;
    // Without a valid node the object cannot be published; the status says what to fix.
    const go = isPlace(place) && mayGo(object, said, node);
    if (go === true && complete) {
      return writer.finalizers(resource, object, withoutFinalizers(object.metadata));
    }
    if (typeof go === 'number') again = go;
  }

  const refused = isPlace(place) ? undefined : place.refused;
  const status = wantedStatus(object, said, withUnsent(node, parts.unsent.get(key)), refused, new Date(now));
  if (status === undefined) return again;
  const saidAt = own === undefined ? undefined : view.messages.statuses.get(own)?.time;
  const waitMs = settling(object, said, node, saidAt === undefined ? Infinity : serverNow - saidAt, now);
  return earlier(again, waitMs > 0 ? waitMs : await writer.status(resource, object, status));
}

/** What is shown of a node that an object's desired state, or its secrets, could not be sent to. */
function withUnsent(node: NodeView, unsent: Hindrance | undefined): NodeView {
  if (unsent === undefined || node.state === 'unknown') return node;
  const { reason, message } = unsent;
  const { entry } = node;
  return reason === 'NatsFull'
    ? { state: 'full', entry, message: `the last change was not sent to node ${entry.node}: ${message}` }
    : { state: 'rekeyed', entry, message };
}

function earlier(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

/** Milliseconds to wait before writing a status that another one is about to follow. */
function settling(
  object: KubeObject,
  said: StatusMessage | undefined,
  node: NodeView,
  /** Age of the agent's status, ms. */
  age: number,
  now: number,
): number {
  if (node.state !== 'reachable') return 0;
  if (said === undefined) {
    const wait = Date.parse(object.metadata.creationTimestamp) + firstStatusMs - now;
    // More than the full time means that the clocks differ.
    return wait <= firstStatusMs ? wait : 0;
  }
  const moving = said.status.state === 'pending' || said.status.state === 'creating' || said.status.state === 'drifted';
  return moving && age >= 0 ? passingMs - age : 0;
}
