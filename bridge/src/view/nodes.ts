import { heartbeatSeconds, NodeEntrySchema } from '@ifactor/crds';
import type { NodeEntry } from '@ifactor/crds';
import type { Entry } from '../stream/follower.ts';

/** `unknown`: never registered. `unreachable`: no heartbeat for three times `heartbeatSeconds`. */
export type NodeView =
  | { state: 'unknown' }
  | { state: 'reachable' | 'unreachable'; entry: NodeEntry; /** Time of the last heartbeat, ms. */ seen: number };

/** What is known of the agents, from the KV bucket `ifactor_nodes`. */
export type Nodes = {
  view(node: string, now: number): NodeView;
  /** Takes in a change of the bucket; returns the node if anybody has to look again: it is new, gone, back, its key changed, or its trouble. */
  take(subject: string, entry: Entry | undefined, now: number): string | undefined;
  /** While NATS is away no heartbeat can arrive, which says nothing of the nodes. */
  connected(yes: boolean, now: number): void;
  /** Every known node. */
  names(): Iterable<string>;
};

export const graceMilliseconds = 3 * heartbeatSeconds * 1000;

export function createNodes(): Nodes {
  const bySubject = new Map<string, { entry: NodeEntry; seen: number }>();
  const byName = new Map<string, { entry: NodeEntry; seen: number }>();
  let since = 0;
  let away = false;

  function view(node: string, now: number): NodeView {
    const known = byName.get(node);
    if (known === undefined) return { state: 'unknown' };
    const silent = !away && now - Math.max(known.seen, since) > graceMilliseconds;
    return { state: silent ? 'unreachable' : 'reachable', ...known };
  }

  return {
    view,
    take(subject, message, now) {
      const before = bySubject.get(subject);
      const entry = message === undefined || message.header('KV-Operation') !== '' ? undefined : read(message.body);
      if (entry === undefined) {
        bySubject.delete(subject);
        if (before === undefined) return undefined;
        byName.delete(before.entry.node);
        return before.entry.node;
      }
      const wasReachable = view(entry.node, now).state === 'reachable';
      // The time that the server stored it, so that a bridge that starts does not take an old entry for a heartbeat.
      const known = { entry, seen: Math.min(now, message?.time ?? now) };
      bySubject.set(subject, known);
      byName.set(entry.node, known);
      const same = before?.entry.sealKey === entry.sealKey && before.entry.trouble?.message === entry.trouble?.message;
      return wasReachable && same ? undefined : entry.node;
    },
    connected(yes, now) {
      if (yes && away) since = now;
      away = !yes;
    },
    names: () => byName.keys(),
  };
}

function read(body: string): NodeEntry | undefined {
  try {
    return NodeEntrySchema.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}
