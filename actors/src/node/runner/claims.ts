import type { Slot } from '@ifactor/crds';
import { claimedNames } from './actor.ts';
import type { Actor } from './actor.ts';
import type { Mailbox } from './mailbox.ts';
import { Multimap } from './multimap.ts';

/** The older object comes first; of two made in the same second, the one with the smaller uid. */
function age(actor: Actor): string {
  const { desired } = actor.snapshot.context;
  return desired === null ? '' : `${desired.creationTimestamp} ${desired.uid}`;
}

/**
 * Which actor may use which name in which netns. If two resources claim one name, the older gets it; the other waits
 * and reports which object has the name.
 */
export class Claims {
  readonly #claimants = new Multimap<Actor>();
  readonly #mailbox: Mailbox;

  constructor(mailbox: Mailbox) {
    this.#mailbox = mailbox;
  }

  /** To be called whenever an actor's spec, places or end may have changed. */
  update(actor: Actor): void {
    this.#set(actor, actor.snapshot.value === 'deleted' ? [] : claimsOf(actor));
  }

  /** The actor is gone. */
  remove(actor: Actor): void {
    this.#set(actor, []);
  }

  #set(actor: Actor, claims: readonly string[]): void {
    if (claims.length === actor.claims.length && claims.every((claim, at) => claim === actor.claims[at])) {
      // Another spec makes it forget what it was told.
      for (const claim of claims) this.#tell(actor, claim);
      return;
    }
    const touched = new Set([...actor.claims, ...claims].map(place));
    for (const claim of actor.claims) this.#claimants.delete(place(claim), actor);
    for (const claim of claims) this.#claimants.add(place(claim), actor);
    actor.claims = claims;
    for (const at of touched) this.#settle(at);
  }

  #settle(at: string): void {
    for (const actor of this.#claimants.get(at))
      for (const claim of actor.claims) if (place(claim) === at) this.#tell(actor, claim);
  }

  /** Tells an actor who has the name of a claim, where that is another than it knows. */
  #tell(actor: Actor, claim: string): void {
    const at = place(claim);
    const claimants = [...this.#claimants.get(at)];
    const [oldest] = claimants.map(age).toSorted();
    const winner = claimants.find((one) => age(one) === oldest)!;
    const slot = claim.slice(at.length + 1) as Slot;
    const taken = actor.snapshot.context.taken[slot];
    const name = at.slice(at.indexOf('/') + 1);
    if (actor === winner && taken) this.#mailbox.tell(actor, { type: 'NameFreed', data: { slot, name } }, null);
    if (actor !== winner && taken?.by !== winner.id)
      this.#mailbox.tell(actor, { type: 'NameTaken', data: { slot, name, by: winner.id } }, null);
  }
}

const claimsOf = (actor: Actor): string[] =>
  claimedNames(actor).map(({ netns, name, slot }) => [netns.id, name, slot].join('/'));

/** `netns/name` of a claim `netns/name/slot`. Interface names hold no slash. */
const place = (claim: string): string => claim.slice(0, claim.lastIndexOf('/'));
