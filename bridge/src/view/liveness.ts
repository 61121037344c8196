import { every } from '@ifactor/common';
import { nodesBucket } from '@ifactor/common/nats';
import type { Context } from '../context.ts';
import { follow } from '../stream/follower.ts';
import type { Follower } from '../stream/follower.ts';
import { createNodes } from './nodes.ts';
import type { Nodes } from './nodes.ts';
import type { Outage } from './outage.ts';

/** How often nodes are looked at for silence. */
const lookEveryMs = 2000;

/** Follows the agents' heartbeats. `changed` is called with each node whose view has changed. */
export function followNodes(
  context: Context,
  outage: Outage,
  signal: AbortSignal,
  changed: (node: string) => void,
): { nodes: Nodes; registry: Follower } {
  const { connection, store, clock, random, log } = context;
  const nodes = createNodes();
  const registry = follow({
    store,
    clock,
    random,
    outage,
    signal,
    stream: `KV_${nodesBucket}`,
    onChange(subject, entry) {
      const node = nodes.take(subject, entry, clock.now());
      if (node !== undefined) changed(node);
    },
  });

  const silent = new Set<string>();
  const stopLooking = every(clock, lookEveryMs, () => {
    for (const node of nodes.names()) {
      const gone = nodes.view(node, clock.now()).state === 'unreachable';
      if (gone === silent.has(node)) continue;
      if (gone) silent.add(node);
      else silent.delete(node);
      log.info(gone ? 'node is silent: no heartbeat' : 'node sends heartbeats again', { node });
      changed(node);
    }
  });
  signal.addEventListener('abort', stopLooking);

  void (async () => {
    for await (const { type } of connection.status()) {
      if (type === 'disconnect') log.warn('lost connection to NATS; changes will be published on reconnect');
      if (type === 'reconnect') log.info('connected to NATS again');
      if (type === 'disconnect' || type === 'reconnect') nodes.connected(type === 'reconnect', clock.now());
    }
  })();
  return { nodes, registry };
}
