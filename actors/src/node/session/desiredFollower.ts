import { explain } from '@ifactor/common';
import { followLast } from '@ifactor/common/eventStore';
import type { EventStore, StoredMessage } from '@ifactor/common/eventStore';
import type { Runtime } from '../../runtime.ts';
import { desiredFilter, DesiredSchema, parseDesiredSubject } from '@ifactor/crds';
import type { Desired, Key } from '@ifactor/crds';
import { streams } from '@ifactor/common/nats';
import { spellKey } from '../journal/read.ts';

export type DesiredOptions = {
  store: EventStore;
  node: string;
  runtime: Runtime;
  /** Whether a message about an object may be taken; asked before its body is read. */
  admits: (key: Key, message: StoredMessage) => boolean;
  /** The last message on an object; it is delivered again after each reconnect. Tombstones have `deleted`. */
  put: (key: Key, desired: Desired) => void;
  /** A malformed message; the others go on. */
  malformed: (subject: string, error: Error) => void;
  /**
   * Everything that the stream holds for the node has been given, `keys` (as `spellKey` writes them) names all of it. An
   * object that is not among them is not deleted: only a tombstone means that. The bridge publishes it again for an agent that
   * missed it and still reports the object in a status; an emptied stream deletes nothing.
   */
  caughtUp: (keys: ReadonlySet<string>) => void;
};

/** A message on a subject of ours that holds no `Desired`, or one of another object. */
class MalformedDesired extends Error {
  override name = 'MalformedDesired';
}

/**
 * Follows the desired objects of one node: first the last message on each, then every change, in order. Begins
 * again whenever the connection or the stream does, and for ever, until stopped.
 */
export function followDesired(options: DesiredOptions): { stop(): Promise<void> } {
  const { store, node, runtime } = options;
  const stop = new AbortController();
  let failures = 0;
  const ended = followLast({
    store,
    stream: streams.desired,
    filter: desiredFilter(node),
    handlers: {
      onMessage: (message) => take(options, message),
      onCaughtUp(subjects) {
        failures = 0;
        options.caughtUp(new Set([...subjects].flatMap((subject) => keyIn(subject) ?? [])));
      },
      onFailure(error) {
        if (failures++ % 10 === 0)
          runtime.log.warn('failed to read the desired state; retrying', { error: explain(error) });
      },
    },
    runtime,
    signal: stop.signal,
  });
  return {
    stop: () => {
      stop.abort(new Error('stopped'));
      return ended;
    },
  };
}

function keyIn(subject: string): string | undefined {
  try {
    return spellKey(parseDesiredSubject(subject));
  } catch {
    return undefined;
  }
}

function take({ node, admits, put, malformed }: DesiredOptions, message: StoredMessage): void {
  const { subject, body } = message;
  let key: Key;
  let desired: Desired;
  try {
    const place = parseDesiredSubject(subject);
    key = { kind: place.kind, namespace: place.namespace, name: place.name };
    if (place.node !== node) throw new MalformedDesired(`the message is for node ${place.node}`);
    if (!admits(key, message)) return;
    const parsed = DesiredSchema.safeParse(JSON.parse(body));
    if (!parsed.success) {
      const issues = parsed.error.issues.map(({ path, message: words }) => `${path.join('.')}: ${words}`);
      throw new MalformedDesired(issues.join('; '));
    }
    desired = parsed.data;
    const { kind, namespace, name } = desired;
    if (spellKey({ kind: kind.toLowerCase(), namespace, name }) !== spellKey(key)) {
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
