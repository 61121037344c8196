import { isRemoval } from '@ifactor/common/eventStore';
import { knownNodeSubject, nodeSubject } from '@ifactor/common/nats';
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
 * `full`: NATS stores no messages, so that no heartbeat could arrive, or a message for the node could not be stored.
 * `rekeyed`: shows another seal key than the one that was accepted, for an object with secrets.
 */
export type NodeView =
  | { state: 'unknown'; waitMs: number; similar?: string | undefined }
  | { state: 'reachable' | 'unreachable'; entry: NodeEntry; /** Time of the last heartbeat. */ seen: number }
  | { state: 'unheard'; entry: NodeEntry; since: number }
  | { state: 'full' | 'rekeyed'; entry: NodeEntry; message: string };

/** The last heartbeat of an agent, and when the NATS server stored it, in ms. */
export type Heard = { entry: NodeEntry; seen: number };

/**
 * What is known of the agents, from the KV buckets `ifactor_nodes`, whose entries expire, and `ifactor_known_nodes`, whose
 * entries stay: a node is silent without the first and unknown without both. Every `now` is the NATS server's time.
 */
export type Nodes = {
  view(node: string, now: number): NodeView;
  /** Applies a change of a bucket; returns the node if it needs another look: new, gone, back, other key or other trouble. */
  take(subject: string, entry: Entry | undefined, now: number): string | undefined;
  /** While NATS is unreachable no heartbeat can arrive, so missing heartbeats prove nothing about the nodes. */
  connected(yes: boolean, now: number): void;
  /** Whether NATS stores messages, and why not: while it does not, missing heartbeats prove nothing either. */
  stored(refused: string | undefined, now: number): void;
  /** When the bucket was created: before that no agent could register. */
  created(at: number): void;
  /** Every known node. */
  names(): Iterable<string>;
  /** Each agent that has an entry in `ifactor_nodes`. */
  heard(): Iterable<Heard>;
};

export const graceMilliseconds = 3 * heartbeatSeconds * 1000;

export function createNodes(): Nodes {
  const heard = new Map<string, Heard>();
  const recorded = new Map<string, Heard>();
  /** Since when heartbeats can arrive; undefined until that is known. */
  let since: number | undefined;
  let lostAt: number | undefined;
  let full: string | undefined;

  const lastOf = (node: string): Heard | undefined => heard.get(node) ?? recorded.get(node);
  const names = (): Set<string> => new Set([...heard.keys(), ...recorded.keys()]);

  function view(node: string, now: number): NodeView {
    const known = lastOf(node);
    const listening = since ?? now;
    if (known === undefined) {
      const waitMs = lostAt === undefined ? Math.max(0, listening + graceMilliseconds - now) : graceMilliseconds;
      return { state: 'unknown', waitMs, similar: closest(node, names()) };
    }
    if (lostAt !== undefined && now - lostAt > graceMilliseconds)
      return { state: 'unheard', entry: known.entry, since: lostAt };
    const silent = lostAt === undefined && now - Math.max(known.seen, since ?? 0) > graceMilliseconds;
    if (silent && full !== undefined) return { state: 'full', entry: known.entry, message: full };
    return { state: silent ? 'unreachable' : 'reachable', ...known };
  }

  function take(subject: string, message: Entry | undefined, now: number): string | undefined {
    const [bucket, node] = subject.startsWith(knownNodeSubject(''))
      ? [recorded, subject.slice(knownNodeSubject('').length)]
      : [heard, subject.slice(nodeSubject('').length)];
    const before = lastOf(node);
    const said = message === undefined || isRemoval(message) ? undefined : read(message.body);
    // Each node writes only its own key: an entry that contains another node's name is ignored.
    if (message === undefined || said?.node !== node) {
      bucket.delete(node);
      return before !== undefined && lastOf(node) !== before ? node : undefined;
    }
    const wasReachable = view(node, now).state === 'reachable';
    // Use the server's store time, so that a starting bridge does not mistake an old entry for a new heartbeat; the bridge writes
    // into its record when that was.
    bucket.set(node, { entry: said, seen: bucket === recorded ? Date.parse(said.time) : message.time });
    const { entry } = lastOf(node) ?? { entry: said };
    const same = before?.entry.sealKey === entry.sealKey && before.entry.trouble?.message === entry.trouble?.message;
    return wasReachable && same ? undefined : node;
  }

  return {
    view,
    take,
    connected(yes, now) {
      if (!yes) lostAt ??= now;
      else if (lostAt !== undefined) {
        lostAt = undefined;
        since = now;
      }
    },
    stored(refused, now) {
      if (full !== undefined && refused === undefined) since = now;
      full = refused;
    },
    created(at) {
      since = Math.max(since ?? at, at);
    },
    names,
    heard: () => heard.values(),
  };
}

function read(body: string): NodeEntry | undefined {
  try {
    return NodeEntrySchema.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}
