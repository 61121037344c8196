import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { namesOf } from '../names.ts';
import type { StoredMessage } from './eventStore.ts';

/** Milliseconds after which a request to JetStream counts as lost. */
const timeout = 3000;

/**
 * The last message of a subject in any copy of the stream, which may lag: a write that states its sequence is then refused.
 * Undefined if the subject has no message, or no copy answers.
 */
export async function lastInCopy(
  connection: NatsConnection,
  stream: string,
  subject: string,
): Promise<StoredMessage | undefined> {
  const names = namesOf(connection);
  const { direct } = await jetstreamManager(connection, { checkAPI: false, timeout });
  const found = await direct
    .getMessage(names.stream(stream), { last_by_subj: names.subject(subject) })
    .catch(() => null);
  if (found === null) return undefined;
  return {
    subject,
    sequence: found.seq,
    time: found.time.getTime(),
    header: (name) => found.header.get(name),
    body: found.string(),
  };
}
