import { fold, initial, privateKeyRef } from '@ifactor/actors';
import { UsageError } from '@ifactor/common';
import type { Key, RecordedEvent, State, StatusMessage } from '@ifactor/crds';
import { replayAll } from '../../log/lives.ts';
import { journalOf } from '../../log/setbacks.ts';
import type { WantedInterface } from '../../log/source.ts';
import type { ActorId } from '../protocol.ts';
import { createTimeSlice } from '../timeSlice.ts';
import type { EventLog } from './log.ts';
import type { Before } from './track.ts';

/** Reads the events of one actor up to the start of the window. */
export type History = (of: { node: string; key: Key }) => AsyncIterable<RecordedEvent>;

/**
 * Folds an actor's events from before the window, so that its snapshots are exact from then on. Holds only its last state,
 * however many events it has, and yields so that other requests are served.
 * @throws UsageError where the log holds no such actor
 */
export async function complete(log: EventLog, id: ActorId, history: History): Promise<void> {
  const track = log.tracks.get(id);
  if (!track) throw new UsageError(`the log holds no actor ${id}`);
  if (track.whole) return;
  let before: Before = { events: 0 };
  let events = 0;
  const endSlice = createTimeSlice();
  async function* read(): AsyncGenerator<RecordedEvent> {
    events = 0;
    for await (const event of history({ node: track!.node, key: track!.key })) {
      events++;
      if (log.happened(event)) yield event;
      await endSlice();
    }
  }
  await replayAll(read, () => ({ event, snapshot }) => {
    before = { snapshot, journal: journalOf(event), state: event.state as State, events: 0 };
  });
  // The stream may no longer hold its events; then its spec and status are all that is known.
  log.precede(track, events === 0 ? track.before : { ...before, events }, true);
}

/** An actor's state before the window, derived from its spec and status. */
export function assumed(key: Key, wanted: WantedInterface | undefined, status: StatusMessage | undefined): Before {
  const { state, wireguard, lastEvent } = status?.status ?? {};
  const time = lastEvent?.time ?? '1970-01-01T00:00:00.000Z';
  let snapshot = initial(key);
  if (wanted) {
    const data = { uid: status?.uid ?? '', generation: 0, resourceVersion: '', creationTimestamp: time };
    snapshot = fold(snapshot, { type: 'SpecChanged', time, data: { ...data, spec: wanted.spec as never } }).snapshot;
  }
  if (wireguard?.publicKey !== undefined) {
    const data = { ref: privateKeyRef, version: '', fingerprint: wireguard.publicKey };
    snapshot = fold(snapshot, { type: 'SecretResolved', time, data }).snapshot;
  }
  return { snapshot, ...(state === undefined ? {} : { state: state as State }), events: 0 };
}
