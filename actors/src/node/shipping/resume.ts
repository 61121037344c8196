import type { Log } from '@ifactor/common';
import type { EventStore, StoredMessage } from '@ifactor/common/eventStore';
import { streams } from '@ifactor/common/nats';
import { eventFilter } from '@ifactor/crds';
import type { Journal, Shipped } from '../journal/journal.ts';
import type { Epoch } from '../journal/schema.ts';

/** Where shipping goes on. */
export type ResumePoint = {
  /** The first event that the stream lacks. */
  next: number;
  stream: NonNullable<Shipped['stream']>;
  /** Every message up to this one was looked at, or is of other nodes; what is not there any more was deleted. */
  seen: number;
  /** How many events of the node were found since the last look that the journal does not hold. */
  lacking: number;
};

/**
 * Finds what IFACTOR_EVENTS holds of this journal, and mends what cannot stay: pipelined publishes of which an early one
 * was refused and a later one stored leave a hole; a stream recreated while this node was silent begins in the middle.
 * Reads from the place that was last known to be whole, so it costs a few requests where nothing went wrong.
 * Changes nothing once `signal` is aborted.
 * @param shipped that place; where its stream is another one, or not known, the last event of the node is taken to be stored with
 *   all before it
 */
export async function resume(
  store: EventStore,
  journal: Pick<Journal, 'id' | 'node' | 'epochs' | 'first'>,
  { sequence, stream }: Shipped,
  log: Log,
  signal: AbortSignal,
): Promise<ResumePoint> {
  const { created, last: newest } = await store.state(streams.events);
  const filter = eventFilter({ node: journal.node });
  const next = (from: number): Promise<StoredMessage | undefined> => store.next(streams.events, from, filter);

  let expected: number | null = null;
  let at = 0;
  if (stream?.created === created && stream.sequence <= newest) {
    expected = sequence + 1;
    at = stream.sequence;
  } else {
    if (stream !== null)
      log.warn('the event stream was recreated, or lost its newest events', { stream: streams.events, created });
    const last = await store.last(streams.events, filter);
    const place = last === undefined ? null : placeOf(last, journal.epochs);
    if (last !== undefined && place !== null) {
      const first = await next(1);
      if (first !== undefined && (placeOf(first, journal.epochs) ?? 0) > journal.first()) {
        log.warn('the event stream lacks the beginning of the journal; shipping from the start');
        signal.throwIfAborted();
        await store.purge(streams.events, filter);
        return {
          next: journal.first(),
          stream: { created, sequence: last.sequence },
          seen: Math.max(newest, last.sequence),
          lacking: 0,
        };
      }
      return {
        next: place + 1,
        stream: { created, sequence: last.sequence },
        seen: Math.max(newest, last.sequence),
        lacking: 0,
      };
    }
    // Nothing of this node is there, or the last of it is from another journal, and ours may lie before.
    if (last === undefined) at = newest;
  }

  let seen = newest;
  let unknown = 0;
  for (let message = await next(at + 1); message !== undefined; message = await next(message.sequence + 1)) {
    seen = Math.max(seen, message.sequence);
    const place = placeOf(message, journal.epochs);
    if (place === null) unknown++;
    else expected ??= place;
    if (place === null || place === expected) {
      if (place !== null) expected = place + 1;
      at = message.sequence;
    } else {
      signal.throwIfAborted();
      log.warn('deleted an event that was stored out of order; shipping it again', { event: place, expected });
      await store.remove(streams.events, message.sequence);
    }
  }
  if (unknown > 0)
    log.warn(
      'the event stream has events of this node that the journal lacks: the journal went backwards, or is a copy',
      {
        events: unknown,
        journal: journal.id,
      },
    );
  return { next: expected ?? journal.first(), stream: { created, sequence: at }, seen, lacking: unknown };
}

/** The number that a stored message's event has in the journal; null where it is not of this journal. */
function placeOf({ header }: StoredMessage, epochs: readonly Epoch[]): number | null {
  const [id, sequence] = header('ce-id').split('.').slice(-2);
  const index = epochs.findIndex((epoch) => epoch.id === id);
  const number = Number(sequence);
  const [epoch, after] = [epochs[index], epochs[index + 1]];
  if (epoch === undefined || !Number.isSafeInteger(number)) return null;
  // Numbers beyond an epoch's end were lost by a power cut after they were shipped, and given out again.
  return number >= epoch.first && number < (after?.first ?? Infinity) ? number : null;
}
