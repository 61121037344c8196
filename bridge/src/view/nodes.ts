import { nodeSubject } from '@ifactor/common/nats';
import { heartbeatSeconds, NodeEntrySchema } from '@ifactor/crds';
import type { NodeEntry } from '@ifactor/crds';
import type { Entry } from '../stream/follower.ts';
import { closest } from './closest.ts';

/**
 * What is known of one agent; all times are the NATS server's, in ms.
 * `unknown`: not registered. A running agent registers again within `waitMs`, which is 0 once that time has passed;
 * `similar` is the name of a known node that the user may have meant.
 * `unreachable`: no heartbeat for three times `heartbeatSeconds`.
 * `unheard`: NATS has not responded to the bridge since `since`, so that no heartbeat could arrive.
 */
export type NodeView =
  | { state: 'unknown'; waitMs: number; similar?: string | undefined }
  | { state: 'reachable' | 'unreachable'; entry: NodeEntry; /** Time of the last heartbeat. */ seen: number }
  | { state: 'unheard'; entry: NodeEntry; since: number };

/** What is known of the agents, from the KV bucket `ifactor_nodes`. Every `now` is the NATS server's time. */
export type Nodes = {
  view(node: string, now: number): NodeView;
  /** Applies a change of the bucket; returns the node if it needs another look: new, gone, back, other key or other trouble. */
  take(subject: string, entry: Entry | undefined, now: number): string | undefined;
  /** While NATS is unreachable no heartbeat can arrive, so missing heartbeats prove nothing about the nodes. */
  connected(yes: boolean, now: number): void;
  /** When the bucket was created: before that no agent could register. */
  created(at: number): void;
  /** Every known node. */
  names(): Iterable<string>;
};

export const graceMilliseconds = 3 * heartbeatSeconds * 1000;

export function createNodes(): Nodes {
  const bySubject = new Map<string, { entry: NodeEntry; seen: number }>();
  const byName = new Map<string, { entry: NodeEntry; seen: number }>();
  /** Since when heartbeats can arrive; undefined until that is known. */
  let since: number | undefined;
  let lostAt: number | undefined;
  /** When the connection last came back. */
  let heard = 0;

  function view(node: string, now: number): NodeView {
    const known = byName.get(node);
    const listening = since ?? now;
    if (known === undefined) {
      const waitMs = lostAt === undefined ? Math.max(0, listening + graceMilliseconds - now) : graceMilliseconds;
      return { state: 'unknown', waitMs, similar: closest(node, byName.keys()) };
    }
    if (lostAt !== undefined && now - lostAt > graceMilliseconds)
      return { state: 'unheard', entry: known.entry, since: lostAt };
    const silent = lostAt === undefined && now - Math.max(known.seen, heard) > graceMilliseconds;
    return { state: silent ? 'unreachable' : 'reachable', ...known };
  }

  return {
    view,
    take(subject, message, now) {
      const before = bySubject.get(subject);
      const said = message === undefined || message.header('KV-Operation') !== '' ? undefined : read(message.body);
      // Each node writes only its own key: an entry that contains another node's name is ignored.
      const entry = said !== undefined && subject === nodeSubject(said.node) ? said : undefined;
      if (entry === undefined) {
        bySubject.delete(subject);
        if (before === undefined) return undefined;
        byName.delete(before.entry.node);
        return before.entry.node;
      }
      const wasReachable = view(entry.node, now).state === 'reachable';
      // Use the server's store time, so that a starting bridge does not mistake an old entry for a new heartbeat.
      const known = { entry, seen: message?.time ?? now };
      bySubject.set(subject, known);
      byName.set(entry.node, known);
      const same = before?.entry.sealKey === entry.sealKey && before.entry.trouble?.message === entry.trouble?.message;
      return wasReachable && same ? undefined : entry.node;
    },
    connected(yes, now) {
      if (!yes) lostAt ??= now;
      else if (lostAt !== undefined) {
        lostAt = undefined;
        heard = now;
        since = now;
      }
    },
    created(at) {
      since = Math.max(since ?? at, at);
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
