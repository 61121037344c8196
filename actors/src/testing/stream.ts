import { namesOf } from '@ifactor/common/nats';
import { decodeEvent } from '@ifactor/crds';
import type { RecordedEvent } from '@ifactor/crds';
import { DeliverPolicy, jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';

/** Everything that a stream of events holds now, in order, as any reader sees it. */
export async function readEvents(connection: NatsConnection, stream: string): Promise<RecordedEvent[]> {
  const names = namesOf(connection);
  const consumer = await jetstream(connection).consumers.get(names.stream(stream), {
    deliver_policy: DeliverPolicy.All,
  });
  const events: RecordedEvent[] = [];
  const { num_pending: waiting } = await consumer.info(true);
  if (waiting === 0) return events;
  const messages = await consumer.consume();
  for await (const message of messages) {
    if (message.headers === undefined) throw new Error(`${message.subject} has no headers`);
    events.push(decodeEvent(names.logical(message.subject), message.headers, message.string()));
    if (message.info.pending === 0) break;
  }
  return events;
}
