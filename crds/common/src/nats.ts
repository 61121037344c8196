import { readFile } from 'node:fs/promises';
import { connect as dial, credsAuthenticator } from '@nats-io/transport-node';
import type { NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node';
import { UsageError } from './cli.ts';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { explain } from './log.ts';
import type { Log } from './log.ts';
import { Backoff, sleep } from './wait.ts';

export { expecting, publishAcked } from './acked.ts';
export { eventStoreOf } from './eventStore/natsEventStore.ts';
export { sessionOf } from './eventStore/session.ts';
export {
  ensureStreams,
  maxMessageBytes,
  nodesBucket,
  raiseStreams,
  readStreamMetadata,
  streams,
  streamsAreCurrent,
  writeStreamMetadata,
} from './streams.ts';
export type { RaisedStream, StreamOptions } from './streams.ts';

export type NatsOptions = {
  /** `nats://host:port`, several separated by commas. */
  servers: string;
  /** Shown in the server's connection list. */
  name: string;
  /** Path of a credentials file; else NATS_CREDS, NATS_USER with NATS_PASSWORD, or NATS_TOKEN from the environment. */
  creds?: string;
};

/** The oldest server that has what we use (multiple filters per consumer). */
const oldest = [2, 10] as const;

/**
 * Connects once; later breaks are mended by the client for ever.
 * @throws UsageError on a malformed address, Error with the server's words when it cannot be reached or is too old
 */
export async function connectOnce(options: NatsOptions): Promise<NatsConnection> {
  const { NATS_CREDS, NATS_USER, NATS_PASSWORD, NATS_TOKEN } = process.env;
  const creds = options.creds ?? NATS_CREDS;
  const auth: NodeConnectionOptions = {};
  if (creds) {
    auth.authenticator = credsAuthenticator(
      await readFile(creds).catch((cause: unknown) => {
        throw new UsageError(`cannot read the NATS credentials ${creds}`, { cause });
      }),
    );
  } else if (NATS_USER !== undefined) {
    auth.user = NATS_USER;
    if (NATS_PASSWORD !== undefined) auth.pass = NATS_PASSWORD;
  } else if (NATS_TOKEN !== undefined) auth.token = NATS_TOKEN;
  const connection = await dial({
    ...auth,
    servers: options.servers.split(','),
    name: options.name,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 500,
    pingInterval: 10_000,
    maxPingOut: 2,
  });
  const version = connection.info?.version ?? '0';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
    await connection.close();
    throw new UsageError(`nats-server ${version} is too old: ${oldest.join('.')} or newer is needed`);
  }
  return connection;
}

/** Connects, and waits for a server that does not answer yet: logs the first and every tenth try. @throws once `signal` is aborted */
export async function connect(
  options: NatsOptions,
  log: Log,
  signal: AbortSignal = new AbortController().signal,
  clock: Clock = systemClock,
): Promise<NatsConnection> {
  const backoff = new Backoff({ first: 200, most: 2000 });
  for (let tries = 0; ; tries++) {
    try {
      return await connectOnce(options);
    } catch (error) {
      if (error instanceof UsageError || signal.aborted) throw error;
      if (tries % 10 === 0) log.warn(`waiting for NATS at ${options.servers}`, { error: explain(error) });
      await sleep(clock, backoff.next(), signal);
      if (signal.aborted) throw error;
    }
  }
}
