import { API_VERSION, formatDesiredSubject } from '@ifactor/crds';
import type { StatusMessage } from '@ifactor/crds';
import { draft, tombstone } from './draft.ts';
import { kindOf, unspell } from '../key.ts';
import type { Client } from '../kube/client.ts';
import { answered } from '../kube/error.ts';
import type { KubeObject } from '../kube/object.ts';
import { pathOf, resourceOf } from '../kube/resource.ts';
import type { Nodes } from '../view/nodes.ts';
import type { Secrets } from './secret.ts';
import { readDesired } from '../stream/publisher.ts';
import type { Publisher } from '../stream/publisher.ts';
import type { Follower } from '../stream/follower.ts';
import { isPlace, placeOf } from '../view/relations.ts';

export type PublishParts = {
  objects(key: string): KubeObject | undefined;
  secrets: Secrets;
  nodes: Nodes;
  desired: Follower;
  /** Subjects of IFACTOR_DESIRED that speak of an object, by `spell`ed key. */
  subjects(key: string): Iterable<string>;
  publisher: Publisher;
};

/**
 * Brings the stream to say of one object what the API server says: the wish on its node's subject, tombstones on all
 * others. Deletions that nobody watched are found here, since the stream still speaks of the object.
 */
export async function publish(parts: PublishParts, key: string): Promise<undefined> {
  const object = parts.objects(key);
  let current: string | undefined;
  if (object !== undefined) {
    const place = placeOf(object, unspell(key).kind);
    // What was wanted before stays in force; the object's status says why.
    if (!isPlace(place)) return undefined;
    current = formatDesiredSubject(place);
    const view = parts.nodes.view(place.node, Date.now());
    const node = view.state === 'unknown' ? undefined : view.entry;
    await parts.publisher.publish(current, draft(object, parts.secrets, node));
  }
  for (const subject of parts.subjects(key)) {
    if (subject === current) continue;
    const entry = parts.desired.get(subject);
    const last = entry && readDesired(entry);
    if (last === undefined || last.deleted === true) continue;
    await parts.publisher.publish(subject, tombstone(last));
  }
  return undefined;
}

/**
 * An agent speaks of an object that the API server does not have, or not on that node, and the stream says nothing of it: it was away while the object was
 * deleted and its tombstone taken out, or the stream was lost together with it. So it is told again. What the stream lacks proves
 * nothing; that the object is gone is the API server's own word, asked for now.
 * @returns false where the object is there after all
 */
export async function bury(
  parts: Pick<PublishParts, 'desired' | 'publisher'> & { client: Client },
  said: StatusMessage,
): Promise<boolean> {
  const { uid, kind: token, namespace, name, node } = said;
  const kind = kindOf(token);
  if (kind === undefined) return true;
  const subject = formatDesiredSubject({ node, kind: token, namespace, name });
  const entry = parts.desired.get(subject);
  const last = entry && readDesired(entry);
  // A wish that is in force has its own fate; a tombstone of this very object is on its way.
  if (last !== undefined && (last.deleted !== true || last.uid === uid)) return true;
  const object = await read(parts.client, pathOf(resourceOf(kind), namespace, name));
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
    resourceVersion: '0',
    creationTimestamp: '',
  };
  await parts.publisher.publish(subject, tombstone({ ...gone, spec: {}, secrets: [], missing: [] }));
  return true;
}

async function read(client: Client, path: string): Promise<KubeObject | undefined> {
  try {
    return await client.call<KubeObject>('GET', path);
  } catch (error) {
    if (answered(error, 404)) return undefined;
    throw error;
  }
}
