import { AckPolicy, DeliverPolicy, jetstream, JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { jetstreamManager } from '@nats-io/jetstream';
import type { JetStreamManager, JsMsg, MsgRequest, StoredMsg } from '@nats-io/jetstream';
import { headers as createHeaders, nanos } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import { systemClock } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { namesOf } from '../names.ts';
import type { Names } from '../names.ts';
import { createMissing, maxMessageBytes } from '../streams.ts';
import type { StreamOptions } from '../streams.ts';
import { createAcked, expecting } from './acked.ts';
import { SequenceConflict, StreamFull, StreamMissing } from './eventStore.ts';
import type { EventStore, Followed, NewMessage, StoredMessage } from './eventStore.ts';
import { delivered as deliver, fromDelivered, untilLost } from './delivery.ts';
import { followSession } from './session.ts';

/** Milliseconds after which a request to JetStream counts as lost. */
const timeout = 5000;
/** Inactivity after which the server removes a named consumer, in milliseconds. */
const consumerRetention = 24 * 3600 * 1000;
/** "wrong last sequence" with the sequence in its text, and since 2.12 without. */
const conflicts = new Set<number>([JetStreamApiCodes.StreamWrongLastSequence, 10164]);

/** Limits of the server or the account are reached (server/errors.json). */
const serverFull = new Set<number>([10002, 10023, 10028, 10047]);
/** The stream's own limit: the error of the store in words, under a code for all errors of the store. */
const streamFull = /^maximum (bytes|messages)\b.* exceeded$/;

/** "no message found", and "sequence … not found" in the answer to a deletion. */
const gone = new Set<number>([JetStreamApiCodes.NoMessageFound, 10043]);

const stores = new WeakMap<NatsConnection, EventStore>();

/**
 * JetStream through a connection that is up; all callers share one store.
 * @param options how missing streams are created; like the clock, taken from the first caller
 */
export function eventStoreOf(
  connection: NatsConnection,
  options: StreamOptions = {},
  clock: Clock = systemClock,
): EventStore {
  let store = stores.get(connection);
  if (store === undefined) stores.set(connection, (store = createStore(connection, options, clock)));
  return store;
}

function createStore(connection: NatsConnection, options: StreamOptions, clock: Clock): EventStore {
  const js = jetstream(connection);
  const names = namesOf(connection);
  const { connected, session } = followSession(connection);
  const publish = createAcked(connection, session, clock);
  let preparing: Promise<void> | undefined;
  const manager = (): Promise<JetStreamManager> => jetstreamManager(connection, { checkAPI: false, timeout });

  async function get(stream: string, query: object): Promise<StoredMessage | undefined> {
    const { streams } = await manager();
    // The server accepts `seq` together with `next_by_subj`; the client's type lacks that.
    const message = await streams.getMessage(names.stream(stream), query as MsgRequest).catch(typed(stream));
    return message === null ? undefined : fromStored(message, names);
  }

  async function append(stream: string, { subject, body, headers, id, expectedSequence }: NewMessage) {
    const attributes = createHeaders();
    for (const [name, value] of Object.entries(headers)) attributes.set(name, value);
    expecting(attributes, {
      stream: names.stream(stream),
      ...(id !== undefined && { id }),
      ...(expectedSequence !== undefined && { lastSubjectSequence: expectedSequence }),
    });
    try {
      const { seq, duplicate } = await publish(names.subject(subject), body, attributes);
      return { sequence: seq, duplicate };
    } catch (error) {
      if (error instanceof JetStreamApiError && conflicts.has(error.code))
        throw new SequenceConflict(subject, expectedSequence ?? 0, { cause: error });
      throw fullIn(names.stream(stream), error) ?? error;
    }
  }

  async function* follow(stream: string, filter: string, signal: AbortSignal): AsyncIterable<Followed> {
    const consumer = await js.consumers
      .get(names.stream(stream), {
        deliver_policy: DeliverPolicy.LastPerSubject,
        ...(filter !== '>' && { filter_subjects: names.subject(filter) }),
      })
      .catch(typed(stream));
    // Nothing is delivered before `consume`. (`delivered` says where the consumer starts, even where all before is gone.)
    const { num_pending: waiting } = await consumer.info().catch(typed(stream));
    yield* deliver(consumer, names, waiting > 0, AbortSignal.any([signal, session()]));
  }

  async function* consume(
    stream: string,
    name: string,
    filter: string,
    signal: AbortSignal,
  ): AsyncIterable<StoredMessage> {
    const { consumers } = await manager();
    const configuration = {
      durable_name: name,
      ack_policy: AckPolicy.All,
      deliver_policy: DeliverPolicy.New,
      filter_subject: names.subject(filter),
      inactive_threshold: nanos(consumerRetention),
    };
    await consumers.add(names.stream(stream), configuration).catch(typed(stream));
    const consumer = await js.consumers.get(names.stream(stream), name).catch(typed(stream));
    const messages = await consumer.consume({ max_messages: 500, abort_on_missing_resource: true });
    let read: JsMsg | undefined;
    try {
      for await (const message of untilLost(messages, AbortSignal.any([signal, session()]))) {
        yield fromDelivered(message, names);
        read = message;
        // Acknowledging one acknowledges all before it.
        if (message.info.pending > 0 && message.seq % 50 !== 0) continue;
        message.ack();
        read = undefined;
      }
    } finally {
      read?.ack();
    }
  }

  return {
    append,
    last: (stream, filter) => get(stream, { last_by_subj: names.subject(filter) }),
    next: (stream, from, filter) => get(stream, { seq: from, next_by_subj: names.subject(filter) }),
    async state(stream) {
      const { streams } = await manager();
      const { created, state, ts } = await streams.info(names.stream(stream)).catch(typed(stream));
      return { created, last: state.last_seq, now: ts === undefined ? clock.now() : Date.parse(ts) };
    },
    async remove(stream, sequence) {
      const { streams } = await manager();
      await streams.deleteMessage(names.stream(stream), sequence).catch((error: unknown) => {
        if (error instanceof JetStreamApiError && gone.has(error.code)) return;
        typed(stream)(error);
      });
    },
    async purge(stream, filter, through) {
      const { streams } = await manager();
      const upTo = through === undefined ? {} : { seq: through + 1 };
      await streams.purge(names.stream(stream), { filter: names.subject(filter), ...upTo }).catch(typed(stream));
    },
    follow,
    consume,
    prepare: () => (preparing ??= createMissing(connection, options).finally(() => (preparing = undefined))),
    connected,
    session,
    get maxMessageBytes() {
      return Math.min(connection.info?.max_payload ?? maxMessageBytes, maxMessageBytes);
    },
  };
}

function fullIn(stream: string, cause: unknown): StreamFull | undefined {
  if (!(cause instanceof JetStreamApiError)) return undefined;
  if (serverFull.has(cause.code)) return new StreamFull(stream, 'server', { cause });
  return streamFull.test(cause.message) ? new StreamFull(stream, 'stream', { cause }) : undefined;
}

function typed(stream: string): (error: unknown) => never {
  return (error) => {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound)
      throw new StreamMissing(stream, { cause: error });
    throw error;
  };
}

function fromStored(message: StoredMsg, names: Names): StoredMessage {
  const { subject, seq: sequence, header, time } = message;
  return {
    subject: names.logical(subject),
    sequence,
    time: time.getTime(),
    header: (name) => header.get(name),
    body: message.string(),
  };
}
