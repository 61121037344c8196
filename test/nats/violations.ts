import { PermissionViolationError } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';

/** What the server refuses this connection, as it comes. */
export function violationsOf(connection: NatsConnection): string[] {
  const seen: string[] = [];
  void (async () => {
    for await (const status of connection.status())
      if (status.type === 'error' && status.error instanceof PermissionViolationError) seen.push(status.error.message);
  })();
  return seen;
}
