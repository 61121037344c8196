import { ensureStreams, namesOf } from '@ifactor/common/nats';
import { agentSubject } from '@ifactor/crds';
import { RequestError } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';

/** Names of the nodes to ask: the given one, else every node that has registered. */
export async function nodesToAsk(connection: NatsConnection, node: string | undefined): Promise<string[]> {
  if (node !== undefined) return [node];
  const bucket = await ensureStreams(connection);
  const nodes: string[] = [];
  for await (const name of await bucket.keys()) nodes.push(name);
  return nodes.toSorted();
}

/** The response of a node's agent to a request of the service `ifactor-agent`; null if no agent responds. */
export async function askAgent<T>(
  connection: NatsConnection,
  node: string,
  action: string,
  request: string,
): Promise<T | null> {
  try {
    const subject = namesOf(connection).subject(`${agentSubject(node)}.${action}`);
    return (await connection.request(subject, request, { timeout: 5000 })).json<T>();
  } catch (error) {
    if (error instanceof RequestError) return null;
    throw error;
  }
}
