import { Backoff, explain, orAborted, sleep } from '@ifactor/common';
import type { Runtime } from '../../runtime.ts';
import { desiredFilter, DesiredSchema, parseDesiredSubject } from '@ifactor/crds';
import type { Desired, Key } from '@ifactor/crds';
import { ensureStreams, streams } from '@ifactor/common/nats';
import { DeliverPolicy, jetstream } from '@nats-io/jetstream';
import type { ConsumerMessages, JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { spellKey } from '../journal/read.ts';
import { connectivityOf } from './connection.ts';

export type DesiredOptions = {
  connection: NatsConnection;
  node: string;
  runtime: Runtime;
  /** The last word on an object; the same one comes again after each reconnect. Tombstones have `deleted`. */
  put: (key: Key, desired: Desired) => void;
  /** A message that is none; the others go on. */
  malformed: (subject: string, error: Error) => void;
  /**
   * Everything that the stream holds for the node has been given, `keys` (as `spellKey` writes them) names all of it. An
   * object that is not among them is not deleted: only a tombstone says so, which is published again for whoever missed it and
   * speaks of the object in a status; an emptied stream says nothing.
   */
  caughtUp: (keys: ReadonlySet<string>) => void;
};

/** A message on a subject of ours that holds no `Desired`, or one of another object. */
export class MalformedDesired extends Error {
  override name = 'MalformedDesired';
}

/** Between two tries. */
const retry = { first: 50, most: 5000 };

/** After these the ordered consumer would go on from its old place, which is wrong if the stream was made anew. */
const upsets = new Set([
  'consumer_not_found',
  'stream_not_found',
  'consumer_deleted',
  'ordered_consumer_recreated',
  'reset',
]);

/**
 * Follows what is wanted of one node's interfaces: first the last word on each, then every change, in order. Begins anew
 * whenever the connection or the stream does, and for ever, until stopped.
 */
export function followDesired(options: DesiredOptions): { stop(): Promise<void> } {
  const { connection, runtime } = options;
  const connectivity = connectivityOf(connection);
  const stop = new AbortController();
  const stopped = stop.signal;
  const backoff = new Backoff(retry, runtime.random);
  let failures = 0;
  const settled = (): void => {
    failures = 0;
    backoff.reset();
  };
  const run = async (): Promise<void> => {
    while (!stopped.aborted) {
      await orAborted(connectivity.up(), stopped).catch(() => undefined);
      if (stopped.aborted || connection.isClosed()) return;
      const broken = connectivity.session();
      const signal = AbortSignal.any([broken, stopped]);
      try {
        await orAborted(round(options, signal, settled), signal);
      } catch (error) {
        if (signal.aborted) continue;
        if (failures++ % 10 === 0)
          runtime.log.warn('failed to read the desired state; retrying', { error: explain(error) });
      }
      await sleep(runtime.clock, backoff.next(), stopped, broken);
    }
  };
  const ended = run();
  return {
    stop: () => {
      stop.abort(new Error('stopped'));
      return ended;
    },
  };
}

/** One consumer's life. */
async function round(options: DesiredOptions, signal: AbortSignal, settled: () => void): Promise<void> {
  const { connection, node } = options;
  await ensureStreams(connection);
  const consumer = await jetstream(connection).consumers.get(streams.desired, {
    filter_subjects: desiredFilter(node),
    deliver_policy: DeliverPolicy.LastPerSubject,
  });
  const { num_pending: waiting, delivered } = await consumer.info();
  const messages = await consumer.consume({ max_messages: 1000, idle_heartbeat: 5000 });
  const stop = (): void => messages.stop();
  signal.addEventListener('abort', stop);
  const guarded = guard(messages);
  const keys = new Set<string>();
  let behind = true;
  const finish = (): void => {
    behind = false;
    settled();
    options.caughtUp(keys);
  };
  try {
    signal.throwIfAborted();
    if (waiting === 0 && delivered.stream_seq === 0) finish();
    for await (const message of messages) {
      if (signal.aborted) return;
      take(options, message, keys);
      if (behind && message.info.pending === 0) finish();
    }
  } finally {
    signal.removeEventListener('abort', stop);
    messages.stop();
    await guarded;
  }
}

function take({ node, put, malformed }: DesiredOptions, message: JsMsg, keys: Set<string>): void {
  const { subject } = message;
  let key: Key;
  let desired: Desired;
  try {
    const place = parseDesiredSubject(subject);
    key = { kind: place.kind, namespace: place.namespace, name: place.name };
    keys.add(spellKey(key));
    const parsed = DesiredSchema.safeParse(JSON.parse(message.string()));
    if (!parsed.success) {
      const issues = parsed.error.issues.map(({ path, message: words }) => `${path.join('.')}: ${words}`);
      throw new MalformedDesired(issues.join('; '));
    }
    desired = parsed.data;
    const { kind, namespace, name } = desired;
    if (place.node !== node || spellKey({ kind: kind.toLowerCase(), namespace, name }) !== spellKey(key)) {
      throw new MalformedDesired(`the body is about ${kind} ${namespace}/${name}`);
    }
  } catch (error) {
    // A parser's error quotes the body, which may hold anything.
    const cause = error instanceof SyntaxError ? new MalformedDesired('the body is not JSON') : error;
    malformed(subject, cause instanceof Error ? cause : new Error(String(cause)));
    return;
  }
  put(key, desired);
}

async function guard(messages: ConsumerMessages): Promise<void> {
  for await (const { type } of messages.status()) if (upsets.has(type)) messages.stop();
}
