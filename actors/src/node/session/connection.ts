import { sleep } from '@ifactor/common';
import type { Clock } from '@ifactor/common';
import type { NatsConnection } from '@nats-io/transport-node';

/**
 * Whether NATS is reachable just now. What is published while it is not is lost or late, so whoever publishes waits for
 * `up` first, and ends what it was doing when `session` aborts.
 */
export type Connectivity = {
  /** Resolves while connected; never after the connection was closed for good. */
  up(): Promise<void>;
  /** Aborted when the connection that is there now breaks. */
  session(): AbortSignal;
};

const known = new WeakMap<NatsConnection, Connectivity>();

/** The connectivity of a connection, shared by its users. The connection must be up at the first call. */
export function connectivityOf(connection: NatsConnection): Connectivity {
  let connectivity = known.get(connection);
  if (connectivity === undefined) known.set(connection, (connectivity = watch(connection)));
  return connectivity;
}

function watch(connection: NatsConnection): Connectivity {
  let session = new AbortController();
  let up = Promise.withResolvers<void>();
  up.resolve();
  const down = (): void => {
    if (session.signal.aborted) return;
    up = Promise.withResolvers();
    session.abort(new Error('lost connection to NATS'));
  };
  void (async () => {
    for await (const { type } of connection.status()) {
      if (type === 'disconnect') down();
      if (type === 'reconnect') {
        down();
        session = new AbortController();
        up.resolve();
      }
    }
    down();
  })();
  return { up: () => up.promise, session: () => session.signal };
}

/**
 * Whether the server answers within a second. A connection that broke silently, as when the address it came from is gone, looks
 * as if it were there for half a minute: one that does not answer is given up, so that the client tries a new one at once.
 */
export async function answers(connection: NatsConnection, clock: Clock): Promise<boolean> {
  if (connection.isClosed()) return false;
  const late = new AbortController();
  const answer = connection.rtt().then(
    () => true,
    () => false,
  );
  const silence = sleep(clock, 1000, late.signal).then(() => null);
  const heard = await Promise.race([answer, silence]);
  late.abort();
  if (heard === null) await connection.reconnect().catch(() => undefined);
  return heard ?? false;
}
