import { Backoff, explain, sleep, systemClock, systemRandom } from '@ifactor/common';
import { decodeEvent, eventFilter } from '@ifactor/crds';
import type { Log } from '@ifactor/common';
import type { RecordedEvent } from '@ifactor/crds';
import { streams } from '@ifactor/common/nats';
import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';

const durable = 'ifactor-bridge';

/**
 * Hands each event of IFACTOR_EVENTS to `take`, once as long as nothing breaks, in order. The place is kept in the
 * stream (a durable consumer), so that a bridge that was away tells what happened meanwhile; begins with what is new.
 * Ends when the signal is aborted.
 */
export async function followEvents(
  connection: NatsConnection,
  prepare: () => Promise<unknown>,
  take: (event: RecordedEvent) => void,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const backoff = new Backoff({ first: 200, most: 5000 }, systemRandom);
  while (!signal.aborted && !connection.isClosed()) {
    try {
      await prepare();
      const manager = await jetstreamManager(connection);
      await manager.consumers.add(streams.events, {
        durable_name: durable,
        ack_policy: AckPolicy.All,
        deliver_policy: DeliverPolicy.New,
        filter_subject: eventFilter(),
        inactive_threshold: 24 * 3600 * 1_000_000_000,
      });
      const consumer = await jetstream(connection).consumers.get(streams.events, durable);
      const messages = await consumer.consume({ max_messages: 500, abort_on_missing_resource: true });
      const stop = (): void => messages.stop();
      signal.addEventListener('abort', stop);
      if (signal.aborted) stop();
      backoff.reset();
      try {
        for await (const message of messages) {
          try {
            take(decodeEvent(message.subject, message.headers, message.string()));
          } catch (error) {
            log.debug('an event could not be read', { subject: message.subject, error: explain(error) });
          }
          // Acknowledging one acknowledges all before it.
          if (message.info.pending === 0 || message.seq % 50 === 0) message.ack();
        }
      } finally {
        signal.removeEventListener('abort', stop);
        messages.stop();
      }
    } catch (error) {
      if (!signal.aborted) log.debug('the event log cannot be read', { error: explain(error) });
    }
    await sleep(systemClock, backoff.next(), signal);
  }
}
