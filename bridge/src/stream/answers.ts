import { explain } from '@ifactor/common';
import type { Log } from '@ifactor/common';
import { StreamMissing } from '@ifactor/common/eventStore';
import type { EventStore, StoredMessage } from '@ifactor/common/eventStore';
import { makeConsumer, namesOf, nodesStream, nodeSubject, streams } from '@ifactor/common/nats';
import {
  answeredHeaders,
  consumerOf,
  desiredFilter,
  parseQuestionSubject,
  questionFilter,
  questions,
  QuestionSchema,
  statusFilter,
} from '@ifactor/crds';
import type { BridgeAnswer, Asked, Question } from '@ifactor/crds';
import type { Msg, NatsConnection } from '@nats-io/transport-node';

/** A question that is not answered: it is about the subjects of another node, or unknown. */
class Refused extends Error {
  override name = 'Refused';
}

export type AnswerOptions = { connection: NatsConnection; store: EventStore; log: Log };

/**
 * Answers the questions of agents about the streams, each about its own subjects only: the server allows a node to ask in its own
 * name only, and what it asks about is checked here. Any bridge answers, also one that does not lead: nothing is decided.
 */
export function answerQuestions({ connection, store, log }: AnswerOptions): { stop(): void } {
  const names = namesOf(connection);
  const subscription = connection.subscribe(names.subject(questionFilter), {
    queue: 'ifactor-bridge',
    callback: (error, message) => void (error === null && reply(message)),
  });

  async function reply(message: Msg): Promise<void> {
    // No request: a client that may create a consumer can make JetStream deliver messages to any subject, including this one.
    if (!message.reply || message.reply.startsWith('$JS.')) return;
    const said = await answer(names.logical(message.subject), message.string());
    if (!connection.isClosed()) message.respond(JSON.stringify(said));
  }

  async function answer(subject: string, body: string): Promise<BridgeAnswer> {
    try {
      const { node, question } = parseQuestionSubject(subject);
      const asked = QuestionSchema.parse(body === '' ? {} : JSON.parse(body));
      const known = questions.find((one) => one === question);
      if (known === undefined) throw new Refused(`no question ${question}; upgrade the bridge`);
      return await ask(node, known, asked);
    } catch (error) {
      if (error instanceof StreamMissing) return { error: error.message, missing: true };
      if (error instanceof Refused) log.warn('refused a question of an agent', { subject, error: error.message });
      return { error: explain(error) };
    }
  }

  async function ask(node: string, question: Question, asked: Asked): Promise<BridgeAnswer> {
    if (question === 'prepare') {
      await store.prepare();
      return {};
    }
    if (question === 'follow') {
      const consumer = consumerOf(node);
      await makeConsumer(connection, streams.desired, consumer, desiredFilter(node));
      return { consumer };
    }
    const { stream = '', sequence } = asked;
    const own = ownFilter(node, stream);
    const filter = asked.filter ?? own;
    if (!isWithin(own, filter)) throw new Refused(`node ${node} asks about ${filter}`);
    switch (question) {
      case 'state':
        return { state: await store.state(stream) };
      case 'last':
        return answerOf(await store.last(stream, filter));
      case 'next':
        return answerOf(await store.next(stream, sequence ?? 0, filter));
      case 'remove': {
        const message = await store.next(stream, sequence ?? 0, own);
        if (message !== undefined && message.sequence === sequence) await store.remove(stream, sequence);
        return {};
      }
      case 'purge':
        await store.purge(stream, filter, sequence);
        return {};
    }
  }

  return { stop: () => subscription.unsubscribe() };
}

/** All subjects of a node in a stream that it writes. @throws Refused */
function ownFilter(node: string, stream: string): string {
  switch (stream) {
    case streams.events:
      return `ifactor.event.${consumerOf(node)}.>`;
    case streams.status:
      return statusFilter(node);
    case nodesStream:
      return nodeSubject(node);
    default:
      throw new Refused(`node ${node} asks about stream ${stream}`);
  }
}

/** Whether `filter` matches nothing but what `own` matches. */
function isWithin(own: string, filter: string): boolean {
  return filter === own || (own.endsWith('.>') && filter.startsWith(own.slice(0, -1)));
}

function answerOf(message: StoredMessage | undefined): BridgeAnswer {
  if (message === undefined) return {};
  const { subject, sequence, time, body, header } = message;
  const headers = Object.fromEntries(answeredHeaders.map((name) => [name, header(name)]));
  return { message: { subject, sequence, time, body, headers } };
}
