import { thaw } from '@ifactor/actors';
import type { JournalRead } from '@ifactor/actors/journal';
import type { Snapshot } from '@ifactor/actors';
import type { Key, RecordedEvent } from '@ifactor/crds';
import { replay } from '../log/lives.ts';

/** Up to where to fold: a number in the node's journal, or milliseconds since 1970. */
export type Point = { sequence: number } | { time: number };

/** An actor at some point of its log; `event` is the last one up to there, where it is still kept. */
export type Found = {
  snapshot: Snapshot;
  event: RecordedEvent | undefined;
  /** Its log lacks its first events: the fold is partial. */ partial?: boolean;
};

/**
 * An actor's state at a point of its node's journal, by the snapshot before it and the events since: as fast in a long log as in a
 * short one. Undefined where the journal does not know it at that point, any more or yet.
 */
export function seek(journal: JournalRead, key: Key, point: Point): Found | undefined {
  const text = `${key.kind}/${key.namespace}/${key.name}`;
  const end = 'sequence' in point ? point.sequence : journal.sequenceAt(point.time);
  const base = journal.snapshotAt(text, end);
  let found: Found | undefined;
  if (typeof base?.body === 'string') {
    const frozen = JSON.parse(base.body) as Parameters<typeof thaw>[0];
    // The snapshot is valid even if the journal no longer holds its event.
    const [event] = journal.read({ key: text, from: base.sequence, to: base.sequence });
    found = { snapshot: thaw(frozen), event };
  }
  for (const { snapshot, event } of replay(
    journal.read({ key: text, from: (base?.sequence ?? 0) + 1, to: end }),
    found?.snapshot,
  ))
    found = { snapshot, event };
  return found;
}
