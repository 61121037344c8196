import { claimedNames, soundSpec } from './actor.ts';
import type { Actor } from './actor.ts';
import type { Mailbox } from './mailbox.ts';
import { Multimap } from './multimap.ts';

/**
 * Which objects wait for each other in a circle, by the devices and slaves that they name. Each of them is told through which
 * objects it depends on itself, and once the circle is open.
 */
export class Loops {
  /** Who makes a link, by netns and name, of those that need others: the rest are in no loop. */
  readonly #makers = new Multimap<Actor>();
  readonly #links = new Map<Actor, { makes: readonly string[]; needs: readonly string[] }>();
  /** The loops that were told, by each of their objects. */
  readonly #told = new Map<Actor, readonly Actor[]>();
  readonly #mailbox: Mailbox;

  constructor(mailbox: Mailbox) {
    this.#mailbox = mailbox;
  }

  /** To be called whenever an actor's spec, places or deletion may have changed. */
  update(actor: Actor): void {
    const { makes, needs } = linksOf(actor);
    const before = this.#links.get(actor) ?? nothing;
    if (isSame(makes, before.makes) && isSame(needs, before.needs)) {
      if (this.#told.has(actor) !== (actor.snapshot.context.loop !== undefined)) this.#tell(actor);
      return;
    }
    this.#set(actor, makes, needs);
    this.#settle(actor);
  }

  /** The actor is gone. */
  remove(actor: Actor): void {
    if (!this.#links.has(actor)) return;
    this.#set(actor, [], []);
    this.#settle(actor);
  }

  #set(actor: Actor, makes: readonly string[], needs: readonly string[]): void {
    for (const place of this.#links.get(actor)?.makes ?? []) this.#makers.delete(place, actor);
    for (const place of makes) this.#makers.add(place, actor);
    if (makes.length + needs.length === 0) this.#links.delete(actor);
    else this.#links.set(actor, { makes, needs });
  }

  /** A loop that begins or ends with a change of an actor leads through that actor. */
  #settle(actor: Actor): void {
    const former = [...this.#told].flatMap(([one, loop]) => (loop.includes(actor) ? [one] : []));
    for (const one of new Set([actor, ...former, ...this.#search(actor).keys()])) this.#tell(one);
  }

  #tell(actor: Actor): void {
    const loop = this.#loopOf(actor);
    if (loop) this.#told.set(actor, loop);
    else this.#told.delete(actor);
    const { loop: known, deletion } = actor.snapshot.context;
    if (deletion !== null) return;
    const through = loop?.map(({ id }) => id);
    if (through && !isSame(through, known ?? [])) {
      this.#mailbox.tell(actor, { type: 'LoopFound', data: { through } }, null);
    } else if (!through && known) this.#mailbox.tell(actor, { type: 'LoopOpened', data: { through: known } }, null);
  }

  /** The shortest way from an actor back to itself; null: there is no such way. */
  #loopOf(actor: Actor): readonly Actor[] | null {
    if (!this.#links.get(actor)?.needs.length) return null;
    const reached = this.#search(actor);
    let at = reached.get(actor);
    if (at === undefined) return null;
    const way = [actor];
    for (; at !== actor && at !== undefined; at = reached.get(at)) way.unshift(at);
    return [actor, ...way];
  }

  /** Whom an actor depends on, nearest first, each with the one that needs it. */
  #search(actor: Actor): Map<Actor, Actor> {
    const reached = new Map<Actor, Actor>();
    const next = [actor];
    for (const one of next) {
      for (const place of this.#links.get(one)?.needs ?? []) {
        for (const maker of this.#makers.get(place)) {
          if (reached.has(maker)) continue;
          reached.set(maker, one);
          if (maker !== actor) next.push(maker);
        }
      }
    }
    return reached;
  }
}

const nothing = { makes: [], needs: [] };

const isSame = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((one, at) => one === b[at]);

function linksOf(actor: Actor): { makes: readonly string[]; needs: readonly string[] } {
  // What is being deleted waits for nothing, and opens the loop.
  const sound = actor.snapshot.context.deletion === null ? soundSpec(actor) : null;
  const target = actor.netns.get('target');
  const needs = sound && target ? sound.rules.devices(sound.spec).map((name) => `${target.id}/${name}`) : [];
  if (needs.length === 0) return nothing;
  return { makes: claimedNames(actor).map(({ netns, name }) => `${netns.id}/${name}`), needs };
}
