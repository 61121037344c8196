import type { Netns, NetnsChange } from '../../kernel/index.ts';
import { markOf, nearMark } from '../../interface/kind/index.ts';
import { claimedNames, soundSpec } from './actor.ts';
import type { Actor } from './actor.ts';
import { Multimap } from './multimap.ts';

/** Which actors a change in a netns may concern: found by name, index, master and mark, without asking every actor. */
export class Subscriptions {
  readonly #subscribed = new Multimap<Actor>();

  /** To be called whenever an actor's spec, places or observation changed. */
  update(actor: Actor): void {
    this.#set(actor, subscriptionsOf(actor));
  }

  /** The actor is gone. */
  remove(actor: Actor): void {
    this.#set(actor, []);
  }

  #set(actor: Actor, subscriptions: readonly string[]): void {
    if (
      subscriptions.length === actor.subscriptions.length &&
      subscriptions.every((key, at) => key === actor.subscriptions[at])
    )
      return;
    for (const key of actor.subscriptions) this.#subscribed.delete(key, actor);
    for (const key of subscriptions) this.#subscribed.add(key, actor);
    actor.subscriptions = subscriptions;
  }

  /** The actors that should look again after this change. */
  in(netns: Netns, change: NetnsChange): Set<Actor> {
    const found = new Set<Actor>();
    const add = (key: string): void => {
      for (const actor of this.#subscribed.get(key)) found.add(actor);
    };
    if (change.type === 'resync') add(netns.id);
    if (!('index' in change)) return found;
    add(`${netns.id}/${change.name}`);
    add(`${netns.id}#${change.index}`);
    if (change.type !== 'link') return found;
    const link = netns.linkAt(change.index);
    if (link?.alias) add(nearMark(link.alias));
    if (link && link.master !== null) add(`${netns.id}#${link.master}`);
    return found;
  }
}

function subscriptionsOf(actor: Actor): string[] {
  const sound = soundSpec(actor);
  if (!sound) return [];
  const keys = new Set<string>([flat(markOf(actor.key))]);
  for (const { netns, name } of claimedNames(actor)) keys.add(flat(netns.id, '/', name));
  for (const [slot, netns] of actor.netns) {
    keys.add(netns.id);
    const link = actor.snapshot.context.observed?.links[slot];
    if (link) keys.add(flat(netns.id, '#', String(link.index)));
  }
  for (const { netns, index } of actor.snapshot.context.observed?.strays ?? [])
    keys.add(flat(netns, '#', String(index)));
  const target = actor.netns.get('target');
  if (target) for (const name of sound.rules.devices(sound.spec)) keys.add(flat(target.id, '/', name));
  return [...keys];
}

/** A text that keeps none of its parts alive, as a template would: many are kept. */
const flat = (...parts: string[]): string => parts.join('');
