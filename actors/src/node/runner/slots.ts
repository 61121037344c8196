import type { ContainerSelector, Slot } from '@ifactor/crds';
import { createMarkIndex, hasMovedLink } from '../../driver/index.ts';
import { markOf } from '../../interface/kind/index.ts';
import type { ResolvedNetns, NetnsResolver } from '../../containers/index.ts';
import type { Netns, NetnsChange } from '../../kernel/index.ts';
import { soundSpec } from './actor.ts';
import { isUnknowable } from '../../interface/machine/removal.ts';
import { isHealthy } from '../../interface/machine/verdict.ts';
import type { Cause, SlotFollower, Actor } from './actor.ts';
import type { Mailbox } from './mailbox.ts';
import { Signal } from './signal.ts';

/** Keeps each actor's slots open, and listens in every netns that some actor uses. */
export class Slots {
  /** Something changed in a netns that some actor uses. */
  readonly changed = new Signal<{ netns: Netns; change: NetnsChange }>();
  /** A place that the actor's spec no longer names turned out to be there: links may be left in it. */
  readonly formerFound = new Signal<Actor>();
  readonly #mailbox: Mailbox;
  readonly #places: NetnsResolver;
  readonly #stop: () => void;
  #home: Netns | null = null;
  readonly #uses = new Map<Netns, { count: number; stop: () => void }>();
  readonly #marks = createMarkIndex();

  constructor(mailbox: Mailbox, places: NetnsResolver) {
    this.#mailbox = mailbox;
    this.#places = places;
    // An interface of another netns may have left a link in the home netns, where links are created.
    this.#stop = places.follow(null, (place) => {
      if (this.#home) this.#release(this.#home);
      this.#home = 'netns' in place ? place.netns : null;
      if (this.#home) this.#acquire(this.#home);
    });
  }

  stop(): void {
    this.#stop();
  }

  /**
   * Every open netns where links of the actor may be: those of its slots, those that its spec named before, the home netns, and any
   * other that one of its links was moved to by hand.
   */
  of(actor: Actor): Iterable<Netns> {
    const former = actor.former.flatMap(({ former: place }) => place?.netns ?? []);
    const own = new Set([...actor.netns.values(), ...former, ...(this.#home ? [this.#home] : [])]);
    const { mac, farMac } = actor.snapshot.context.macs ?? {};
    const macs = new Set([mac, farMac].filter((one) => one !== undefined));
    if (macs.size === 0) return own;
    for (const mark of [markOf(actor.key), markOf(actor.key, 'peer')])
      for (const netns of this.#marks.places(mark))
        if (!own.has(netns) && hasMovedLink(netns, actor.key, macs)) own.add(netns);
    return own;
  }

  byId(id: string): Netns | undefined {
    return [...this.#uses.keys()].find((netns) => netns.id === id);
  }

  /** Follows these slots, and sends the actor what each resolves to, now and on every change. */
  resolve(actor: Actor, slots: readonly Slot[], cause: Cause): void {
    const sound = soundSpec(actor);
    for (const { slot, container } of sound?.rules.places(sound.spec) ?? []) {
      if (!slots.includes(slot)) continue;
      const selector = JSON.stringify(container);
      const follower = actor.followers.get(slot);
      if (follower?.selector === selector) {
        const netns = actor.netns.get(slot);
        if (netns) this.#mailbox.tell(actor, { type: 'NetnsResolved', data: { slot, netns: netns.id } }, cause);
        continue;
      }
      this.#retire(actor, slot);
      this.#follow(actor, slot, container, selector, cause);
    }
  }

  /** Releases slots that the spec no longer has. Their netns stays open until the links there are removed. */
  update(actor: Actor): void {
    const sound = soundSpec(actor);
    if (!sound) return;
    const wanted = new Map(
      sound.rules.places(sound.spec).map(({ slot, container }) => [slot, JSON.stringify(container)]),
    );
    for (const [slot, { selector }] of actor.followers) {
      if (wanted.get(slot) !== selector) this.#retire(actor, slot);
    }
    if (actor.remembered.length > 0) this.#recall(actor, new Set(wanted.values()));
  }

  /** A look at all places of the actor succeeded. */
  looked(actor: Actor): void {
    for (const { former } of actor.former) if (former?.netns) former.looked = true;
  }

  /** Releases former places of an actor at rest that were looked at and have none of its links. */
  dropFormer(actor: Actor): void {
    if (actor.former.length === 0) return;
    const { value, context } = actor.snapshot;
    const { settled, observed } = context;
    if (!settled || !isHealthy(value) || observed === null) return;
    const isNeeded = ({ found, former }: SlotFollower): boolean => {
      if (!former?.netns) return !found;
      const { id } = former.netns;
      return !former.looked || observed.strays.some(({ netns }) => netns === id);
    };
    const kept = actor.former.filter(isNeeded);
    for (const follower of actor.former) if (!kept.includes(follower)) this.#drop(follower);
    actor.former = kept;
  }

  leave(actor: Actor): void {
    for (const { stop } of actor.followers.values()) stop();
    actor.followers.clear();
    for (const slot of actor.netns.keys()) this.#set(actor, slot, null);
    for (const follower of actor.former) this.#drop(follower);
    actor.former = [];
  }

  /** Follows remembered places that the spec no longer names; forgets those that are followed. */
  #recall(actor: Actor, wanted: ReadonlySet<string>): void {
    const followed = new Set(actor.followers.values().map(({ selector }) => selector));
    const { remembered } = actor;
    actor.remembered = remembered.filter((selector) => wanted.has(selector) && !followed.has(selector));
    for (const selector of remembered) {
      if (wanted.has(selector)) continue;
      const listener = (place: ResolvedNetns): void => this.#formerReported(actor, follower, place);
      const stop = this.#places.follow(JSON.parse(selector) as ContainerSelector, listener);
      const follower: SlotFollower = { selector, stop, former: { netns: undefined, looked: false }, found: false };
      actor.former = [...actor.former, follower];
    }
  }

  #drop({ stop, former }: SlotFollower): void {
    stop();
    if (former?.netns) this.#release(former.netns);
    if (former) former.netns = undefined;
  }

  /** The first netns of a former place may have links of the actor; once it is another one, or none, they are gone. */
  #formerReported(actor: Actor, follower: SlotFollower, place: ResolvedNetns): void {
    const { former, found } = follower;
    if (!former || ('lost' in place && isUnknowable(place.lost.reason))) return;
    follower.found = true;
    if ('netns' in place && !found) {
      former.netns = place.netns;
      this.#acquire(place.netns);
      actor.epoch++;
      this.formerFound.emit(actor);
      return;
    }
    if (former.netns) this.#release(former.netns);
    former.netns = undefined;
  }

  #retire(actor: Actor, slot: Slot): void {
    const follower = actor.followers.get(slot);
    if (!follower) return;
    const netns = actor.netns.get(slot);
    actor.followers.delete(slot);
    actor.netns.delete(slot);
    actor.epoch++;
    follower.former = { netns, looked: false };
    actor.former = [...actor.former, follower];
  }

  #follow(actor: Actor, slot: Slot, container: ContainerSelector | null, selector: string, cause: Cause): void {
    let first: Cause | null = cause;
    const listener = (place: ResolvedNetns): void => {
      if (follower.former) return this.#formerReported(actor, follower, place);
      follower.found ||= 'netns' in place || !isUnknowable(place.lost.reason);
      const from = first;
      first = null;
      if ('netns' in place) {
        this.#set(actor, slot, place.netns);
        this.#mailbox.tell(actor, { type: 'NetnsResolved', data: { slot, netns: place.netns.id } }, from);
      } else {
        const { reason, params } = place.lost;
        this.#set(actor, slot, null);
        this.#mailbox.tell(
          actor,
          { type: 'NetnsLost', data: { slot, reason, params: { selector: container, ...params } } },
          from,
        );
      }
    };
    const stop = this.#places.follow(container, listener);
    const follower: SlotFollower = { selector, stop, former: null, found: false };
    actor.followers.set(slot, follower);
  }

  #set(actor: Actor, slot: Slot, netns: Netns | null): void {
    const before = actor.netns.get(slot) ?? null;
    if (before === netns) return;
    actor.epoch++;
    if (netns) {
      this.#acquire(netns);
      actor.netns.set(slot, netns);
    } else actor.netns.delete(slot);
    if (before) this.#release(before);
  }

  #acquire(netns: Netns): void {
    const use = this.#uses.get(netns);
    if (use) {
      use.count++;
      return;
    }
    // Before subscribers receive the change.
    this.#marks.join(netns);
    this.#uses.set(netns, { count: 1, stop: netns.subscribe((change) => this.changed.emit({ netns, change })) });
  }

  #release(netns: Netns): void {
    const use = this.#uses.get(netns);
    if (!use || --use.count > 0) return;
    use.stop();
    this.#marks.leave(netns);
    this.#uses.delete(netns);
  }
}
