import { formatDesiredSubject } from '@ifactor/crds';
import { draft, tombstone } from './desired.ts';
import { unspell } from './key.ts';
import type { KubeObject } from './kube/object.ts';
import type { Nodes } from './nodes.ts';
import type { Secrets } from './secret.ts';
import { readDesired } from './stream/publisher.ts';
import type { Publisher } from './stream/publisher.ts';
import type { Follower } from './stream/follower.ts';
import { isPlace, placeOf } from './world.ts';

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

