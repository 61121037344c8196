import type { NatsConnection } from '@nats-io/transport-node';
import type { Session } from './eventStore.ts';

/** Follows a connection, which must be up. */
export function followSession(connection: NatsConnection): Session {
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
