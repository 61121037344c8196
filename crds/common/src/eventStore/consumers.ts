import { AckPolicy, DeliverPolicy, jetstream, JetStreamApiError, jetstreamManager } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import { namesOf } from '../names.ts';
import { delivered } from './delivery.ts';
import { ConsumerMissing } from './eventStore.ts';
import type { Followed } from './eventStore.ts';

/** Milliseconds after which a request to JetStream counts as lost. */
const timeout = 5000;
/** Inactivity after which the server removes a consumer, in milliseconds. */
const retentionMs = 24 * 3600 * 1000;
const consumerNotFound = 10014;

const isMissing = (error: unknown): boolean => error instanceof JetStreamApiError && error.code === consumerNotFound;

/**
 * Creates a consumer for a reader that may create none, which starts at the stream's first message and replaces an earlier
 * one of the name: a reader of that one has to begin again. Nothing is acknowledged: a reader begins again after each break, so
 * the consumer need not outlive its server.
 */
export async function makeConsumer(
  connection: NatsConnection,
  stream: string,
  name: string,
  filter: string,
): Promise<void> {
  const names = namesOf(connection);
  const onServer = names.stream(stream);
  const { consumers } = await jetstreamManager(connection, { checkAPI: false, timeout });
  await consumers.delete(onServer, name).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
  await consumers.add(onServer, {
    durable_name: name,
    filter_subject: names.subject(filter),
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.All,
    inactive_threshold: nanos(retentionMs),
    num_replicas: 1,
    mem_storage: true,
  });
}

/**
 * Follows a stream through a consumer that `makeConsumer` made; what it delivered before is not delivered again. Ends as
 * `EventStore.follow` does, except for a break of the connection, which the caller's signal has to tell.
 * @throws ConsumerMissing
 */
export async function* followConsumer(
  connection: NatsConnection,
  stream: string,
  name: string,
  signal: AbortSignal,
): AsyncIterable<Followed> {
  const names = namesOf(connection);
  const consumer = await jetstream(connection, { timeout })
    .consumers.get(names.stream(stream), name)
    .catch((cause: unknown) => {
      if (isMissing(cause)) throw new ConsumerMissing(name, stream, { cause });
      throw cause;
    });
  const { num_pending: waiting } = await consumer.info(true);
  yield* delivered(consumer, names, waiting > 0, signal);
}
