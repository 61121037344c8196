import type { EventData, EventType, InterfaceSpec, Key, Slot } from '@ifactor/crds';
import type { Context } from '../../interface/machine/context.ts';
import type { Netns, WireGuardDevice } from '../../kernel/index.ts';
import type { KindRules } from '../../interface/kind/index.ts';
import { rulesIn } from '../../interface/machine/difference.ts';
import { initial } from '../../interface/machine/fold.ts';
import { SmallMap } from './smallMap.ts';
import { pack, unpack } from './packedActor.ts';
import type { ActorState } from './packedActor.ts';
import type { Snapshot } from '../../interface/machine/fold.ts';

/** What an event follows from: the event before it, and what set the chain off. */
export type Cause = { id: string; correlation: string };

/** `selector` shows whether it still matches the spec. */
export type SlotFollower = { selector: string; stop: () => void; former: FormerPlace | null; found: boolean };

/** `looked`: links of the actor were looked for in `netns`, which is open. */
export type FormerPlace = { netns: Netns | undefined; looked: boolean };

// What actors have in common as long as nothing happens to them.
const unshaken: Actor['handshakes'] = { at: 0, times: new Map() };
const none: readonly never[] = [];

/** What is known of the declared object itself. */
export type Declared = Pick<Context, 'desired' | 'deletion'>;

/** The running side of one actor: what the fold must not hold, such as sockets and timers. */
export class Actor {
  readonly key: Key;
  /** `kind/namespace/name`. */
  readonly id: string;
  /** Followers of the places that the spec names, by slot. */
  followers = new SmallMap<Slot, SlotFollower>();
  /** Followers of places the spec no longer names, kept until the links there are gone. */
  former: readonly SlotFollower[] = none;
  /** Selectors that the spec named before this agent's start: where it no longer does, links may be left. */
  remembered: readonly string[] = none;
  netns = new SmallMap<Slot, Netns>();
  /** Raised whenever `netns` changes: what was seen before is of another place. */
  epoch = 0;
  #timers: SmallMap<string, () => void> | null = null;
  /** Operations that were performed and whose outcome has not been observed. */
  performed: { id: string; cause: Cause } | null = null;
  looking = false;
  lookAgain = false;
  /** The device as last seen, for the status; never its keys. */
  device: Omit<WireGuardDevice, 'privateKey'> | null = null;
  /** Handshakes as last published in the status, by peer, in milliseconds since 1970. */
  handshakes: { readonly at: number; readonly times: ReadonlyMap<string, number> } = unshaken;
  /** A digest of what the status last published of the link beyond the fold. */
  statusDigest = '';
  /** Events since the last stored snapshot. */
  unsaved = 0;
  /** The kernel changes that the actor subscribes to, as keys of the runner's subscriptions. */
  subscriptions: readonly string[] = none;
  claims: readonly string[] = none;
  /** The object as it is once every queued fact is folded; null: none of them is about it. */
  #expected: (Declared & { queued: number }) | null = null;
  /** Packed while the actor is at rest. */
  #state: ActorState | string;
  /** Whether the state was asked for since the last `rest`. */
  #awake = true;

  constructor(key: Key, id: string) {
    this.key = key;
    this.id = id;
    this.#state = { snapshot: initial(key), lastEvent: null };
  }

  /** The folded state. Asking for it, or for the last event, wakes an actor at rest. */
  get snapshot(): Snapshot {
    return this.#wake().snapshot;
  }

  set snapshot(snapshot: Snapshot) {
    this.#wake().snapshot = snapshot;
  }

  get timers(): SmallMap<string, () => void> {
    return (this.#timers ??= new SmallMap());
  }

  get lastEvent(): ActorState['lastEvent'] {
    return this.#wake().lastEvent;
  }

  set lastEvent(event: ActorState['lastEvent']) {
    this.#wake().lastEvent = event;
  }

  /** The declared object as the actor knows it, facts that are queued and not folded yet included. */
  get declared(): Declared {
    return this.#expected ?? this.snapshot.context;
  }

  /** To be called when a fact is queued. */
  expect(fact: Fact): void {
    if (fact.type !== 'SpecChanged' && fact.type !== 'DeletionRequested') return;
    const queued = (this.#expected?.queued ?? 0) + 1;
    if (fact.type === 'SpecChanged') {
      const { spec: _, ...desired } = fact.data;
      this.#expected = { desired, deletion: null, queued };
    } else this.#expected = { desired: this.declared.desired, deletion: fact.data, queued };
  }

  /** To be called when a queued fact is folded. */
  folds({ type }: Fact): void {
    if (this.#expected === null || (type !== 'SpecChanged' && type !== 'DeletionRequested')) return;
    if (--this.#expected.queued === 0) this.#expected = null;
  }

  /** Packs the state if it was not read since the last call. True if it did. */
  packIfIdle(): boolean {
    if (typeof this.#state === 'string') return false;
    if (this.#awake) {
      this.#awake = false;
      return false;
    }
    this.#state = pack(this.#state);
    if (this.#timers?.size === 0) this.#timers = null;
    return true;
  }

  #wake(): ActorState {
    this.#awake = true;
    if (typeof this.#state === 'string') this.#state = unpack(this.#state);
    return this.#state;
  }
}

/** Rules and spec of an actor whose spec has passed its schema. */
export function soundSpec(actor: Actor): { rules: KindRules; spec: InterfaceSpec } | null {
  const { context } = actor.snapshot;
  const rules = rulesIn(context);
  return rules === null ? null : { rules, spec: context.spec! };
}

/** The slots of an actor that are open, with the names it claims there. */
export function claimedNames(actor: Actor): { slot: Slot; netns: Netns; name: string }[] {
  const sound = soundSpec(actor);
  if (!sound) return [];
  return sound.rules.names(sound.spec).flatMap(({ slot, name }) => {
    const netns = actor.netns.get(slot);
    return netns ? [{ slot, netns, name }] : [];
  });
}

/** An event on its way into the queue. */
export type Fact = { [T in EventType]: { type: T; data: EventData[T] } }[EventType];
