import type { NatsConnection } from '@nats-io/transport-node';

/**
 * Whether NATS is reachable now. What is published while it is not is lost or late, so whoever publishes waits for
 * `connected` first, and ends what it was doing when `session` aborts.
 */
export type Session = {
  /** Resolves while connected; never after the connection was closed for good. */
  connected: () => Promise<void>;
  /** Aborted when the connection that is there now breaks. */
  session: () => AbortSignal;
};

const sessions = new WeakMap<NatsConnection, Session>();

/** One for all who ask. The connection must be up at the first call. */
export function sessionOf(connection: NatsConnection): Session {
  let session = sessions.get(connection);
  if (session === undefined) sessions.set(connection, (session = watch(connection)));
  return session;
}

function watch(connection: NatsConnection): Session {
  let session = new AbortController();
  let connected = Promise.withResolvers<void>();
  connected.resolve();
  const lost = (): void => {
    if (session.signal.aborted) return;
    connected = Promise.withResolvers();
    session.abort(new Error('lost connection to NATS'));
  };
  void (async () => {
    for await (const { type } of connection.status()) {
      if (type === 'disconnect') lost();
      if (type === 'reconnect') {
        lost();
        session = new AbortController();
        connected.resolve();
      }
    }
    lost();
  })();
  return { connected: () => connected.promise, session: () => session.signal };
}
