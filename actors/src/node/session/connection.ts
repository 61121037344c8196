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
    session.abort(new Error('the connection to NATS broke'));
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
export async function answers(connection: NatsConnection): Promise<boolean> {
  if (connection.isClosed()) return false;
  const late = new AbortController();
  const answer = connection.rtt().then(
    () => true,
    () => false,
  );
  const silence = pause(1000, late.signal).then(() => null);
  const heard = await Promise.race([answer, silence]);
  late.abort();
  if (heard === null) await connection.reconnect().catch(() => undefined);
  return heard ?? false;
}

/** Waits, or less when a signal is aborted. */
export function pause(milliseconds: number, ...signals: AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    const signal = AbortSignal.any(signals);
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done);
  });
}

/** The promise's outcome, or a rejection as soon as the signal is aborted; what comes later is nobody's. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Doubling pauses between tries, up to 5 s; `reset` after a success. */
export class Backoff {
  #next = 50;
  next(): number {
    const now = this.#next;
    this.#next = Math.min(now * 2, 5000);
    return now;
  }
  reset(): void {
    this.#next = 50;
  }
}
