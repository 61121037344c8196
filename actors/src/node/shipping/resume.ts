import type { Log } from '@ifactor/common';
import type { Names } from '@ifactor/common/nats';
import { streams } from '@ifactor/common/nats';
import type { JetStreamManager, MsgRequest, StoredMsg } from '@nats-io/jetstream';
import type { Journal, Shipped } from '../journal/journal.ts';
import type { Epoch } from '../journal/schema.ts';

/** Where shipping goes on. */
export type ResumePoint = {
  /** The first event that the stream lacks. */
  next: number;
  stream: NonNullable<Shipped['stream']>;
  /** Every message up to this one was looked at, or is of other nodes; what is not there any more was deleted. */
  seen: number;
};

/**
 * Finds what IFACTOR_EVENTS holds of this journal, and mends what cannot stay: pipelined publishes of which an early one
 * was refused and a later one stored leave a hole; a stream recreated while this node was silent begins in the middle.
 * Reads from the place that was last known to be whole, so it costs a few requests where nothing went wrong.
 * Changes nothing once `signal` is aborted.
 */
export async function resume(
  manager: JetStreamManager,
  names: Names,
  journal: Journal,
  filter: string,
  log: Log,
  signal: AbortSignal,
): Promise<ResumePoint> {
  const events = names.stream(streams.events);
  const { created, state } = await manager.streams.info(events);
  const { sequence, stream } = journal.shipped;
  // The server has always taken both together; the client's type does not know.
  const next = (seq: number): Promise<StoredMsg | null> =>
    manager.streams.getMessage(events, { seq, next_by_subj: filter } as MsgRequest);

  let expected: number | null = null;
  let at = 0;
  if (stream?.created === created && stream.sequence <= state.last_seq) {
    expected = sequence + 1;
    at = stream.sequence;
  } else {
    if (stream !== null) log.warn('the stream of events is another one, or lost its end', { stream: events, created });
    const last = await manager.streams.getMessage(events, { last_by_subj: filter });
    const place = last === null ? null : placeOf(last, journal.epochs);
    if (last !== null && place !== null) {
      const first = await next(1);
      if (first !== null && (placeOf(first, journal.epochs) ?? 0) > journal.first()) {
        log.warn('the stream of events begins in the middle of the journal; shipped from the start again');
        signal.throwIfAborted();
        await manager.streams.purge(events, { filter });
        return {
          next: journal.first(),
          stream: { created, sequence: last.seq },
          seen: Math.max(state.last_seq, last.seq),
        };
      }
      return { next: place + 1, stream: { created, sequence: last.seq }, seen: Math.max(state.last_seq, last.seq) };
    }
    // Nothing of this node is there, or the last of it is from another journal, and ours may lie before.
    if (last === null) at = state.last_seq;
  }

  let seen = state.last_seq;
  let unknown = 0;
  for (let message = await next(at + 1); message !== null; message = await next(message.seq + 1)) {
    seen = Math.max(seen, message.seq);
    const place = placeOf(message, journal.epochs);
    if (place === null) unknown++;
    else expected ??= place;
    if (place === null || place === expected) {
      if (place !== null) expected = place + 1;
      at = message.seq;
    } else {
      signal.throwIfAborted();
      log.warn('an event is stored out of its order; deleted there and shipped again', { event: place, expected });
      await manager.streams.deleteMessage(events, message.seq);
    }
  }
  if (unknown > 0)
    log.warn('the stream holds events of this node that its journal does not: it went backwards, or is another copy', {
      events: unknown,
      journal: journal.id,
    });
  return { next: expected ?? journal.first(), stream: { created, sequence: at }, seen };
}

/** The number that a stored message's event has in the journal; null where it is not of this journal. */
function placeOf({ header }: StoredMsg, epochs: readonly Epoch[]): number | null {
  const [id, sequence] = header.get('ce-id').split('.').slice(-2);
  const index = epochs.findIndex((epoch) => epoch.id === id);
  const number = Number(sequence);
  const [epoch, after] = [epochs[index], epochs[index + 1]];
  if (epoch === undefined || !Number.isSafeInteger(number)) return null;
  // Numbers beyond an epoch's end were lost by a power cut after they were shipped, and given out again.
  return number >= epoch.first && number < (after?.first ?? Infinity) ? number : null;
}
