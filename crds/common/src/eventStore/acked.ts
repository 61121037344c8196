import { JetStreamApiError } from '@nats-io/jetstream';
import type { PubAck } from '@nats-io/jetstream';
import { createInbox } from '@nats-io/transport-node';
import type { Msg, MsgHdrs, NatsConnection } from '@nats-io/transport-node';
import { every } from '../clock.ts';
import type { Clock } from '../clock.ts';

/** A message without an acknowledgement for this long counts as not stored. */
const ackTimeoutMs = 5000;
/** Interval at which pending messages are checked. */
const sweepMs = 500;

type Waiting = { subject: string; due: number; resolve: (ack: PubAck) => void; reject: (error: Error) => void };

/** One inbox for the acknowledgements of a connection. */
class Inbox {
  readonly #connection: NatsConnection;
  readonly #prefix = `${createInbox()}.`;
  /** By the last part of the reply subject; the oldest first, since all have the same timeout. */
  readonly #waiting = new Map<string, Waiting>();
  #next = 0;
  readonly #clock: Clock;
  #endSweep: (() => void) | undefined;

  constructor(connection: NatsConnection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
    connection.subscribe(`${this.#prefix}*`, { callback: (_error, message) => this.#answered(message) });
    void connection.closed().then(() => this.#giveUp(Infinity, 'the connection to NATS was closed'));
  }

  async publish(subject: string, payload: string, headers: MsgHdrs): Promise<PubAck> {
    const id = String(this.#next++);
    // Publish first, since it throws if the message is too large or the connection closed: then nothing is pending.
    this.#connection.publish(subject, payload, { headers, reply: this.#prefix + id });
    const { promise, resolve, reject } = Promise.withResolvers<PubAck>();
    this.#waiting.set(id, { subject, due: this.#clock.monotonic() + ackTimeoutMs, resolve, reject });
    this.#endSweep ??= every(this.#clock, sweepMs, () =>
      this.#giveUp(this.#clock.monotonic(), 'was not acknowledged in time'),
    );
    return promise;
  }

  #answered(message: Msg): void {
    const id = message.subject.slice(this.#prefix.length);
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#forget(id);
    try {
      waiting.resolve(read(waiting.subject, message));
    } catch (error) {
      waiting.reject(error as Error);
    }
  }

  #giveUp(now: number, why: string): void {
    for (const [id, { subject, due, reject }] of this.#waiting) {
      if (due > now) return;
      this.#forget(id);
      reject(new Error(`a message to ${subject}: ${why}`));
    }
  }

  #forget(id: string): void {
    this.#waiting.delete(id);
    if (this.#waiting.size > 0) return;
    this.#endSweep?.();
    this.#endSweep = undefined;
  }
}

/** @throws JetStreamApiError if the server refuses the message, Error if no stream accepts it */
function read(subject: string, message: Msg): PubAck {
  if (message.headers?.code === 503)
    throw new Error(`no stream takes ${subject}: JetStream is away, or the stream is not there`);
  const { error, ...ack } = message.json<
    Omit<PubAck, 'duplicate'> & { duplicate?: boolean; error?: ConstructorParameters<typeof JetStreamApiError>[0] }
  >();
  if (error !== undefined) throw new JetStreamApiError(error);
  return { ...ack, duplicate: ack.duplicate ?? false };
}

/**
 * Publishes into a stream, as the client's own `publish` does: resolves when the message is stored, or its id is already
 * stored. One inbox serves all messages; the client's own way costs three times as much per message.
 * @throws JetStreamApiError if the server refuses it; Error if no stream accepts it, or no reply arrives within 5 s, as while the
 * client reconnects: it discards what is published meanwhile
 */
export type Acked = (subject: string, payload: string, headers: MsgHdrs) => Promise<PubAck>;

export function createAcked(connection: NatsConnection, clock: Clock): Acked {
  const inbox = new Inbox(connection, clock);
  return (subject, payload, headers) => inbox.publish(subject, payload, headers);
}

/** Headers by which a stream decides whether it accepts a message (ADR-8, ADR-21 of NATS). */
export type Expected = {
  /** A second message with this id is a duplicate of the first. */
  id?: string;
  stream: string;
  /** The last message of the subject has this sequence; 0: the subject has no message. */
  lastSubjectSequence?: number;
};

export function expecting(headers: MsgHdrs, { id, stream, lastSubjectSequence }: Expected): MsgHdrs {
  headers.set('Nats-Expected-Stream', stream);
  if (id !== undefined) headers.set('Nats-Msg-Id', id);
  if (lastSubjectSequence !== undefined)
    headers.set('Nats-Expected-Last-Subject-Sequence', String(lastSubjectSequence));
  return headers;
}
