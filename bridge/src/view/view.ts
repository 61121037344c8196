import type { BridgeContext, Enqueue } from '../context.ts';
import type { StreamFollower } from '../stream/follower.ts';
import { followNodes } from './liveness.ts';
import { readMessages } from './messages.ts';
import type { Messages } from './messages.ts';
import type { Nodes } from './nodes.ts';
import { readObjects } from './objects.ts';
import type { Objects } from './objects.ts';
import type { OwnWrites } from './change.ts';
import { createOutage } from './outage.ts';
import type { Outage } from './outage.ts';

/** The current state of Kubernetes, the streams and the agents. Read-only; a change enqueues what depends on it. */
export type View = {
  objects: Objects;
  messages: Messages;
  nodes: Nodes;
  /** Of the bucket `ifactor_known_nodes`. */
  knownNodes: StreamFollower;
  /** The NATS server's time, ms: heartbeats and messages are compared with it. */
  serverNow: () => number;
  /** Enqueues every object that either side has. */
  enqueueAll(): void;
  apiOutage: Outage;
  /** Resolves when everything was read once, or refused. */
  readonly settled: Promise<unknown>;
  readonly stopped: Promise<unknown>;
};

export function createView(context: BridgeContext, enqueue: Enqueue, ownWrites: OwnWrites, signal: AbortSignal): View {
  const { log } = context;
  const apiOutage = createOutage(log, 'the API server answers again', undefined, context.clock);
  const natsOutage = createOutage(log, 'NATS answers again', undefined, context.clock);
  const objects = readObjects({ context, enqueue, outage: apiOutage, ownWrites, completed: enqueueAll, signal });
  const messages = readMessages({
    context,
    enqueue,
    outage: natsOutage,
    deletions: objects.deletions,
    onStatus(key) {
      enqueue.status(key);
      objects.enqueuePlanOf(objects.get(key));
    },
    signal,
  });
  const { nodes, registry, known, serverNow } = followNodes(context, natsOutage, signal, (node) => {
    for (const key of objects.onNode(node)) {
      enqueue.desired(key);
      enqueue.status(key);
      objects.enqueuePlanOf(objects.get(key));
    }
  });
  function enqueueAll(): void {
    objects.enqueueAll();
    messages.enqueueAll();
  }

  const followers = [messages.desired, messages.statuses, registry, known];
  return {
    objects,
    messages,
    nodes,
    knownNodes: known,
    serverNow,
    enqueueAll,
    apiOutage,
    settled: Promise.all([objects.settled, ...followers.map(({ settled }) => settled)]),
    stopped: Promise.all([objects.stopped, ...followers.map(({ stopped }) => stopped)]),
  };
}
