import type { Consumer, ConsumerMessages, JsMsg } from '@nats-io/jetstream';
import type { Names } from '../names.ts';
import type { Followed, StoredMessage } from './eventStore.ts';

/** After these an ordered consumer would continue from its old position, which is wrong if the stream was recreated. */
const placeLost = new Set([
  'consumer_not_found',
  'stream_not_found',
  'consumer_deleted',
  'ordered_consumer_recreated',
  'reset',
]);

/**
 * Everything that a consumer holds, a marker after it, then new messages; ends as `EventStore.follow` does.
 * @param behind whether the consumer holds messages that were not delivered
 */
export async function* delivered(
  consumer: Consumer,
  names: Names,
  behind: boolean,
  signal: AbortSignal,
): AsyncIterable<Followed> {
  if (!behind) yield { type: 'caughtUp' };
  const messages = await consumer.consume({ max_messages: 1000, idle_heartbeat: 5000 });
  let before: number | undefined;
  for await (const message of untilLost(messages, signal)) {
    const { deliverySequence } = message.info;
    // Nothing is delivered twice: after a gap the reader has to begin again.
    if (before !== undefined && deliverySequence !== before + 1) return;
    before = deliverySequence;
    yield { type: 'message', message: fromDelivered(message, names) };
    if (!behind || message.info.pending > 0) continue;
    behind = false;
    yield { type: 'caughtUp' };
  }
}

/** The messages until the signal is aborted or the position in the stream is lost. */
export async function* untilLost(messages: ConsumerMessages, signal: AbortSignal): AsyncIterable<JsMsg> {
  const stop = (): void => messages.stop();
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  const watching = (async () => {
    for await (const { type } of messages.status()) if (placeLost.has(type)) stop();
  })();
  try {
    yield* messages;
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
    await watching;
  }
}

export function fromDelivered(message: JsMsg, names: Names): StoredMessage {
  const { subject, seq: sequence, headers } = message;
  return {
    subject: names.logical(subject),
    sequence,
    time: message.time.getTime(),
    header: (name) => headers?.get(name) ?? '',
    body: message.string(),
  };
}
