import { connect as dial } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import { UsageError } from '../cli.ts';
import { systemClock } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { explain } from '../log.ts';
import type { Log } from '../log.ts';
import { Backoff, sleep } from '../wait.ts';
import { checkedPrefix, namesFor, setNames } from '../names.ts';
import { hidePasswords, parseServers } from './address.ts';
import { authentication } from './credentials.ts';
import { withEnvironment } from './options.ts';
import type { NatsOptions } from './options.ts';
import { protection, withAdvice } from './security.ts';

/** The oldest server that has the features we use (multiple filters per consumer). */
const oldest = [2, 10] as const;

/**
 * Connects once; after later disconnects the client reconnects without limit.
 * @throws UsageError if the caller can fix it, Error with the server's message if it cannot be reached or is too old
 */
export async function connectOnce(given: NatsOptions): Promise<NatsConnection> {
  const options = withEnvironment(given);
  const names = namesFor(checkedPrefix(options.prefix));
  const servers = parseServers(options.servers);
  const proof = authentication(options, servers);
  const protect = protection(options, servers, Object.keys(proof).length > 0);
  const connection = await dial({
    ...proof,
    ...protect,
    servers: servers.addresses,
    name: options.name,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 500,
    pingInterval: 10_000,
    maxPingOut: 2,
    ...(options.timeoutMs !== undefined && { timeout: options.timeoutMs }),
    ...(options.inboxPrefix !== undefined && { inboxPrefix: options.inboxPrefix }),
  }).catch((error: unknown) => {
    throw withAdvice(error, hidePasswords(options.servers), protect.tls !== undefined);
  });
  setNames(connection, names);
  const version = connection.info?.version ?? '0';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
    await connection.close();
    throw new UsageError(`nats-server ${version} is too old: ${oldest.join('.')} or newer is needed`);
  }
  return connection;
}

/** Connects, and waits for a server that does not respond yet: logs the first and every tenth try. @throws once `signal` is aborted */
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
      if (tries % 10 === 0)
        log.warn(`waiting for NATS at ${hidePasswords(options.servers)}`, { error: explain(error) });
      await sleep(clock, backoff.next(), signal);
      if (signal.aborted) throw error;
    }
  }
}
