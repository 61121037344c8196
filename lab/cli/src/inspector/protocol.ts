import type { Condition, EventType, Key, State } from '@ifactor/crds';

/*
 * The WebSocket protocol between the inspector's page and its server: one JSON object per message. The page sends
 * requests with an id that the answer repeats. The server also sends notifications, the source and the topology
 * first. The socket is at `socket?token=…` beside the page; a wrong token is refused with close code 4401.
 *
 * A position counts the events of the log in the order that the server holds them: position 0 is before the first,
 * position n is the moment after the nth. Null means live: the current end of the log. Of long streams the newest part is
 * held, see `SourceInfo.held`; positions count the events before it too, and stay the same when more of them are held.
 */

/** In characters: the largest log file that a page may open. */
export const fileLimit = 128 * 2 ** 20;

/** `<node> <kind>/<namespace>/<name>`. */
export type ActorId = string;

/** Where the log comes from: live streams or a file. If the streams are unreachable, `name` includes the error. */
export type SourceInfo = { kind: 'live' | 'file'; name: string; held?: Held };

/**
 * Which part of a log is held, where it is not all: events after the position `start`, the first of which happened at `since`.
 * `more`: earlier ones can be requested.
 */
export type Held = { start: number; since: string | null; more: boolean };

export type ActorInfo = {
  id: ActorId;
  node: string;
  key: Key;
  /** The link's name in the kernel. */
  interfaceName: string;
  /** wireguard, bridge, veth, … */
  type: string;
  /** The container or netns it belongs in, as the spec names it; null: the node's home netns. */
  container: string | null;
};

/** A rectangle of the map; x and y from the corner of what it stands in. */
export type Rectangle = { x: number; y: number; width: number; height: number };

export type Topology = {
  nodes: readonly (Rectangle & { name: string })[];
  containers: readonly (Rectangle & { id: string; node: string; name: string })[];
  /** Placed in their container, or in their node where they have none. */
  actors: readonly (Rectangle & ActorInfo)[];
  /** WireGuard peers that the log shows on both ends, and bridges with what they hold. */
  links: readonly { id: string; from: ActorId; to: ActorId; kind: 'tunnel' | 'slave' | 'under' }[];
};

/** The state of all actors at a moment. */
export type Moment = {
  at: number | null;
  total: number;
  /** Of the last event at that position, or now; null before the first. */
  time: string | null;
  states: { readonly [actor: ActorId]: State };
  /** The newest handshake by link id, RFC 3339; known of live links only. */
  handshakes: { readonly [link: string]: string };
};

export type EventRow = {
  position: number;
  id: string;
  actor: ActorId;
  sequence: number;
  time: string;
  type: EventType;
  state: State;
  /** A short description. */
  words: string;
};

export type Filter = {
  actor?: ActorId;
  node?: string;
  types?: readonly EventType[];
  states?: readonly State[];
  text?: string;
};

/** A field as declared and as the kernel shows it, printed as `ip` and `wg` would. */
export type Field = { name: string; desired: string | null; observed: string | null; differs: boolean };

/** One kernel operation and its result. */
export type Tried = { position: number; time: string; operation: string; answer: string; failed: boolean };

export type ActorDetail = ActorInfo & {
  at: number | null;
  /** Its earlier events are still being read: all fields but the state may be incomplete. A moment is sent once they are read. */
  partial?: boolean;
  state: State;
  reason: string;
  message: string;
  waiting: readonly string[];
  conditions: readonly Condition[];
  fields: readonly Field[];
  tried: readonly Tried[];
  /** Transitions taken up to the moment. */
  transitions: readonly { from: State; to: State; count: number }[];
  /** Transitions possible from the state, with the guards of each. */
  next: readonly { to: State; guards: readonly string[] }[];
  /** Positions of its first and last event, and how many it has up to the moment. */
  first: number;
  last: number;
  events: number;
};

export type ChainRow = EventRow & { effects: readonly ChainRow[] };

export type DifferenceRow = { row: EventRow; recorded: string; now: string };

/** Requests and their answers. */
export type Asks = {
  moment: { request: { at: number | null }; answer: Moment };
  events: {
    request: { filter: Filter; from: number; count: number };
    answer: { total: number; rows: readonly EventRow[] };
  };
  /** Where a position stands in a filtered list: the number of its rows at or before it. */
  rank: { request: { filter: Filter; at: number }; answer: { rank: number } };
  actor: { request: { actor: ActorId; at: number | null }; answer: ActorDetail };
  chain: { request: { event: string }; answer: ChainRow };
  whatIf: { request: { actor: ActorId | null }; answer: { events: number; difference: DifferenceRow | null } };
  /** Requests that more of the log be held; the source is sent again once it is. */
  earlier: { request: Record<string, never>; answer: null };
  /** Switches to a log file instead of the streams, for this page only; null switches back. */
  open: { request: { name: string; text: string } | null; answer: SourceInfo };
};
export type Ask = keyof Asks;

export type PageRequest = { [A in Ask]: { id: number; ask: A; request: Asks[A]['request'] } }[Ask];

export type PageAnswer = { id: number; answer: unknown } | { id: number; error: string };

export type Told =
  | { tell: 'source'; source: SourceInfo }
  | { tell: 'topology'; topology: Topology }
  /** What changed since the last one. */
  | { tell: 'moment'; moment: Moment };
