import { sleep } from '@ifactor/common';
import type { Clock } from '@ifactor/common';
import type { NatsConnection } from '@nats-io/transport-node';

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
