import { every, orAborted } from '@ifactor/common';
import { knownNodesStream, nodesStream } from '@ifactor/common/nats';
import type { BridgeContext } from '../context.ts';
import { follow } from '../stream/follower.ts';
import type { Entry, StreamFollower } from '../stream/follower.ts';
import { createNodes } from './nodes.ts';
import type { Nodes } from './nodes.ts';
import type { Outage } from './outage.ts';
import { createServerTime } from './serverTime.ts';

/** How often nodes are checked for missing heartbeats. */
const lookEveryMs = 2000;
/** How often the server is queried for its time, which also checks that it responds. */
const askEveryMs = 5000;
/** A server that takes longer counts as not responding. */
const timeoutMs = 4000;

export type Liveness = {
  nodes: Nodes;
  registry: StreamFollower;
  /** Of the bucket `ifactor_known_nodes`. */
  known: StreamFollower;
  /** The NATS server's time, ms. */ serverNow: () => number;
};

/** Follows the agents' heartbeats. `changed` is called with each node whose view has changed. */
export function followNodes(
  context: BridgeContext,
  outage: Outage,
  signal: AbortSignal,
  changed: (node: string) => void,
): Liveness {
  const { connection, store, clock, random, log } = context;
  const time = createServerTime(clock);
  const nodes = createNodes();
  const states = new Map<string, string>();
  function onChange(subject: string, entry: Entry | undefined): void {
    if (entry !== undefined) time.stored(entry.time);
    const node = nodes.take(subject, entry, time.now());
    if (node === undefined) return;
    if (nodes.view(node, time.now()).state === 'unknown') states.delete(node);
    changed(node);
  }
  const following = { store, clock, random, outage, signal, onChange };
  const registry = follow({ ...following, stream: nodesStream });
  const known = follow({ ...following, stream: knownNodesStream });

  /** Reads the server's time and the bucket's age; a server that does not respond cannot deliver heartbeats either. */
  async function ask(): Promise<void> {
    const late = new AbortController();
    const cancel = clock.after(timeoutMs, () => late.abort(new Error('NATS did not answer in time')));
    try {
      const { created, now } = await orAborted(store.state(nodesStream), late.signal);
      time.said(now);
      nodes.created(Date.parse(created));
      connected(true);
    } catch {
      connected(false);
    } finally {
      cancel();
    }
  }

  let reachable = true;
  function connected(yes: boolean): void {
    nodes.connected(yes, time.now());
    if (yes === reachable) return;
    reachable = yes;
    if (yes) log.info('NATS answers again');
    else log.warn('NATS does not answer; changes will be published when it does');
  }

  function look(): void {
    for (const node of nodes.names()) {
      const { state } = nodes.view(node, time.now());
      const before = states.get(node);
      states.set(node, state);
      if (state === (before ?? 'reachable')) continue;
      if (state === 'unreachable') log.warn('no heartbeat from node', { node });
      if (state === 'reachable' && before === 'unreachable') log.info('heartbeats from node again', { node });
      changed(node);
    }
  }

  void registry.settled.then(ask);
  const ends = [every(clock, lookEveryMs, look), every(clock, askEveryMs, () => void ask())];
  signal.addEventListener('abort', () => ends.forEach((end) => end()));

  void (async () => {
    for await (const { type } of connection.status()) {
      if (type === 'disconnect') connected(false);
      if (type === 'reconnect') void ask();
    }
  })();
  return { nodes, registry, known, serverNow: () => time.now() };
}
