import { Backoff, explain, sleep } from '@ifactor/common';
import type { Clock, Log, Random } from '@ifactor/common';
import type { EventStore } from '@ifactor/common/eventStore';
import { streams } from '@ifactor/common/nats';
import { decodeEvent, eventFilter } from '@ifactor/crds';
import type { RecordedEvent } from '@ifactor/crds';

/** Name of the consumer that all bridges share in the event log. */
const reader = 'ifactor-bridge';

export type EventReaderOptions = {
  store: EventStore;
  take: (event: RecordedEvent) => void;
  log: Log;
  clock: Clock;
  random: Random;
  signal: AbortSignal;
};

/**
 * Passes each event of IFACTOR_EVENTS to `take`, in order, once unless something fails. The stream stores the position, so
 * that a bridge that was offline reports what happened meanwhile. Ends when the signal is aborted.
 */
export async function followEvents({ store, take, log, clock, random, signal }: EventReaderOptions): Promise<void> {
  const backoff = new Backoff({ first: 200, most: 5000 }, random);
  while (!signal.aborted) {
    try {
      await store.prepare();
      for await (const { subject, header, body } of store.consume(streams.events, reader, eventFilter(), signal)) {
        backoff.reset();
        try {
          take(decodeEvent(subject, { get: header }, body));
        } catch (error) {
          log.debug('skipped an event that is not readable', { subject, error: explain(error) });
        }
      }
    } catch (error) {
      if (!signal.aborted) log.debug('cannot read the event log; retrying', { error: explain(error) });
    }
    await sleep(clock, backoff.next(), signal);
  }
}
