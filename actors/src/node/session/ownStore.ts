import { every } from '@ifactor/common';
import type { Clock, Log } from '@ifactor/common';
import { ConsumerMissing, StreamMissing } from '@ifactor/common/eventStore';
import type { EventStore, Followed, StoredMessage } from '@ifactor/common/eventStore';
import { eventStoreOf, followConsumer, lastInCopy, namesOf, streams } from '@ifactor/common/nats';
import { BridgeAnswerSchema, consumerOf, questionSubject } from '@ifactor/crds';
import type { BridgeAnswer, Asked, Question } from '@ifactor/crds';
import { PermissionViolationError, RequestError, TimeoutError } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';

/** A bridge that takes longer than this to answer counts as away, in milliseconds. */
const timeoutMs = 3000;
/** Interval at which a node that follows its desired state without a bridge looks for one, in milliseconds. */
const lookEveryMs = 10_000;

/** No bridge answers, and NATS does not allow this node to read its streams itself. */
class BridgeAway extends Error {
  override name = 'BridgeAway';

  constructor(node: string, options: ErrorOptions) {
    super(
      `no bridge answers, and NATS does not allow node ${node} to read its streams itself; start a bridge`,
      options,
    );
  }
}

/**
 * The streams as a node may use them: it publishes its own subjects, reads from the consumer that a bridge makes for it, and asks
 * the bridge for the rest. If no bridge answers, such as one of an older release, it does all that itself, if NATS allows it.
 */
export function ownStoreOf(connection: NatsConnection, node: string, log: Log, clock: Clock): EventStore {
  const direct = eventStoreOf(connection, {}, clock);
  const names = namesOf(connection);
  let told = false;

  /** @returns null if no bridge answers @throws StreamMissing, Error with the bridge's message */
  async function ask(question: Question, asked: Asked = {}): Promise<BridgeAnswer | null> {
    let text: string;
    try {
      const reply = await connection.request(names.subject(questionSubject(node, question)), JSON.stringify(asked), {
        timeout: timeoutMs,
      });
      text = reply.string();
    } catch (error) {
      if (isUnanswered(error)) return null;
      throw error;
    }
    const answer = BridgeAnswerSchema.parse(JSON.parse(text));
    if (answer.missing === true) throw new StreamMissing(asked.stream ?? '');
    if (answer.error !== undefined) throw new Error(`the bridge refused to ${question}: ${answer.error}`);
    return answer;
  }

  /** @throws BridgeAway if NATS refuses */
  async function directly<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (isForbidden(error)) throw new BridgeAway(node, { cause: error });
      throw error;
    }
  }

  async function message(
    question: 'last' | 'next',
    asked: Asked,
    work: () => Promise<StoredMessage | undefined>,
  ): Promise<StoredMessage | undefined> {
    const answer = await ask(question, asked);
    if (answer === null) return directly(work);
    if (answer.message === undefined) return undefined;
    const { headers, ...rest } = answer.message;
    return { ...rest, header: (name) => headers[name] ?? '' };
  }

  /** From the existing consumer, if any, until a bridge answers again; else from one of its own. */
  async function* followAlone(stream: string, filter: string, signal: AbortSignal): AsyncIterable<Followed> {
    const round = new AbortController();
    const ended = AbortSignal.any([round.signal, signal, direct.session()]);
    const look = async (): Promise<void> => {
      const answer = await ask('state', { stream: streams.status }).catch(() => null);
      if (answer !== null) round.abort();
    };
    const endLook = every(clock, lookEveryMs, () => void look());
    try {
      yield* followConsumer(connection, stream, consumerOf(node), ended);
      return;
    } catch (error) {
      if (!(error instanceof ConsumerMissing) && !isForbidden(error)) throw error;
    } finally {
      endLook();
    }
    try {
      for await (const followed of direct.follow(stream, filter, signal)) {
        if (!told)
          log.warn(
            'no bridge made a consumer for this node; reading the desired state without one, as older agents do',
          );
        told = true;
        yield followed;
      }
    } catch (error) {
      throw isForbidden(error) ? new BridgeAway(node, { cause: error }) : error;
    }
  }

  return {
    ...direct,
    get maxMessageBytes() {
      return direct.maxMessageBytes;
    },
    async last(stream, filter) {
      const literal = !/[*>]/.test(filter);
      return (
        (literal ? await lastInCopy(connection, stream, filter) : undefined) ??
        message('last', { stream, filter }, () => direct.last(stream, filter))
      );
    },
    next: (stream, sequence, filter) =>
      message('next', { stream, sequence, filter }, () => direct.next(stream, sequence, filter)),
    async state(stream) {
      const answer = await ask('state', { stream });
      return answer?.state ?? directly(() => direct.state(stream));
    },
    async remove(stream, sequence) {
      if ((await ask('remove', { stream, sequence })) === null) await directly(() => direct.remove(stream, sequence));
    },
    async purge(stream, filter, through) {
      const asked = { stream, filter, ...(through !== undefined && { sequence: through }) };
      if ((await ask('purge', asked)) === null) await directly(() => direct.purge(stream, filter, through));
    },
    async prepare() {
      if ((await ask('prepare')) !== null) return;
      // The streams may exist; if they do not, the caller's next request fails.
      await direct.prepare().catch((error: unknown) => {
        if (!isForbidden(error)) throw error;
      });
    },
    async *follow(stream, filter, signal) {
      const answer = await ask('follow');
      if (answer?.consumer === undefined) yield* followAlone(stream, filter, signal);
      else yield* followConsumer(connection, stream, answer.consumer, AbortSignal.any([signal, direct.session()]));
    },
  };
}

function* causes(error: unknown): Generator {
  for (let at = error; at !== undefined && at !== null; at = at instanceof Error ? at.cause : undefined) yield at;
}

const isForbidden = (error: unknown): boolean => causes(error).some((one) => one instanceof PermissionViolationError);

const isUnanswered = (error: unknown): boolean =>
  causes(error).some(
    (one) =>
      one instanceof TimeoutError ||
      one instanceof PermissionViolationError ||
      (one instanceof RequestError && one.isNoResponders()),
  );
