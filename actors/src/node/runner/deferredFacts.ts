import type { Cause, Fact, Actor } from './actor.ts';

/** A fact on its way to an actor. */
export type Item = { actor: Actor; fact: Fact; cause: Cause | null };

/**
 * Facts that wait while no event may be made, in order. Where a later fact replaces an earlier one of the same matter, the
 * earlier one is dropped: so the list does not grow with the time that is waited.
 */
export class DeferredFacts {
  readonly #items = new Map<string | symbol, Item>();

  add(item: Item): void {
    const matter = matterOf(item.fact);
    const place = matter === null ? Symbol() : `${item.actor.id} ${matter}`;
    this.#items.delete(place);
    this.#items.set(place, item);
  }

  take(): Item[] {
    const items = [...this.#items.values()];
    this.#items.clear();
    return items;
  }
}

/** What a fact is about, where only the last word on it counts; null where each counts, such as what was done to the kernel. */
function matterOf({ type, data }: Fact): string | null {
  if (type === 'NetnsResolved' || type === 'NetnsLost') return `netns ${data.slot}`;
  if (type === 'SecretResolved' || type === 'SecretMissing') return `secret ${data.ref}`;
  if (type === 'TimerElapsed') return `timer ${data.timer}`;
  if (type === 'Paused' || type === 'Resumed') return 'pause';
  if (type === 'ResyncRequested') return type;
  if (type === 'DriftObserved' || (type === 'LinkObserved' && data.operations === undefined)) return 'look';
  return null;
}
