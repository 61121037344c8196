import type { EventData, EventType, InterfaceSpec, Key, Slot } from '@ifactor/crds';
import type { Netns, WireGuardDevice } from '../netlink/index.ts';
import type { Driver } from '../driver/index.ts';
import { driverIn } from '../machine/decide.ts';
import { initial } from '../machine/fold.ts';
import { Few } from './few.ts';
import type { Snapshot } from '../machine/fold.ts';

/** What an event follows from: the event before it, and what set the chain off. */
export type Cause = { id: string; correlation: string };

/** `selector` tells whether it still fits the spec; `retired` lets go of the netns of one that does not. */
export type Follower = { selector: string; stop: () => void; retired: (() => void) | null };

/** The running side of one actor: what the fold must not hold, such as sockets and timers. */
export type Live = {
  readonly key: Key;
  /** `kind/namespace/name`. */
  readonly id: string;
  snapshot: Snapshot;
  /** Followers of the places that the spec names, by slot. */
  followers: Few<Slot, Follower>;
  /** Followers of places the spec no longer names, kept until the links there are gone. */
  former: Follower[];
  netns: Few<Slot, Netns>;
  /** Raised whenever `netns` changes: what was seen before is of another place. */
  epoch: number;
  timers: Few<string, () => void>;
  /** Operations that were carried out and whose outcome is still to be looked at. */
  performed: { id: string; cause: Cause } | null;
  looking: boolean;
  lookAgain: boolean;
  /** The device as last seen, for the status; never its keys. */
  device: Omit<WireGuardDevice, 'privateKey'> | null;
  /** Handshakes as the status was last told of them, by peer, in milliseconds since 1970. */
  handshakes: { readonly at: number; readonly times: ReadonlyMap<string, number> };
  /** What the status last said of the link beyond the fold. */
  told: string;
  lastEvent: { sequence: number; type: EventType; time: string } | null;
  /** Events since the last stored snapshot. */
  unsaved: number;
  /** What the runner was told to look out for, as keys of its interest map. */
  interests: readonly string[];
  claims: readonly string[];
};

// What actors have in common as long as nothing happens to them.
const unshaken: Live['handshakes'] = { at: 0, times: new Map() };
const none: readonly never[] = [];

export const live = (key: Key, id: string): Live => ({
  key,
  id,
  snapshot: initial(key),
  followers: new Few(),
  former: [],
  netns: new Few(),
  epoch: 0,
  timers: new Few(),
  performed: null,
  looking: false,
  lookAgain: false,
  device: null,
  handshakes: unshaken,
  told: '',
  lastEvent: null,
  unsaved: 0,
  interests: none,
  claims: none,
});

/** Driver and spec of an actor whose spec is sound. */
export function soundSpec(actor: Live): { driver: Driver; spec: InterfaceSpec } | null {
  const { context } = actor.snapshot;
  const driver = driverIn(context);
  return driver === null || context.spec === null ? null : { driver, spec: context.spec };
}

/** The slots of an actor that are open, with the names it claims there. */
export function claimedNames(actor: Live): { slot: Slot; netns: Netns; name: string }[] {
  const sound = soundSpec(actor);
  if (!sound) return [];
  return sound.driver.names(sound.spec).flatMap(({ slot, name }) => {
    const netns = actor.netns.get(slot);
    return netns ? [{ slot, netns, name }] : [];
  });
}

/** An event on its way into the queue. */
export type Fact = { [T in EventType]: { type: T; data: EventData[T] } }[EventType];
