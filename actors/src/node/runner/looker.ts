import { isDeepStrictEqual } from 'node:util';
import { explain } from '@ifactor/common';
import type { Log } from '@ifactor/common';
import type { Observed, ObservedLink } from '@ifactor/crds';
import type { Netns } from '../../kernel/index.ts';
import { observe } from '../../driver/index.ts';
import { driftIn } from '../../interface/machine/fold.ts';
import type { Clock } from '@ifactor/common';
import { soundSpec } from './actor.ts';
import type { Cause, Fact, Actor } from './actor.ts';

export type LookerOptions = {
  tell: (actor: Actor, fact: Fact, cause: Cause | null) => void;
  clock: Clock;
  log: Log;
  /** Every netns that is open now. */
  open: () => Iterable<Netns>;
  /** Milliseconds between looks at a WireGuard device. */
  poll: number;
  /** Judges what was seen by what was seen before. */
  mark: (actor: Actor, observed: Observed) => Observed;
  /** After each look that succeeded. */
  looked: (actor: Actor) => void;
  /** No event may be made now: whoever goes on looks at every actor anew. */
  parked: () => boolean;
};

/** After a look that failed, milliseconds till the next. */
const again = 1000;

/** Looks at the kernel for an actor, and tells it what is news. One look at a time per actor. */
export class Looker {
  readonly #options: LookerOptions;
  readonly #polls = new Map<Actor, () => void>();
  #stopped = false;

  constructor(options: LookerOptions) {
    this.#options = options;
  }

  /** Looks soon. `cause`: the event that asked for it; absent where the kernel changed by itself. */
  look(actor: Actor, cause: Cause | null = null): void {
    if (this.#stopped) return;
    // The outcome of operations that were carried out is still told.
    if (this.#options.parked() && actor.performed === null) return;
    if (actor.looking) {
      actor.lookAgain = true;
      return;
    }
    actor.looking = true;
    void this.#look(actor, cause).finally(() => {
      actor.looking = false;
      if (!actor.lookAgain) return;
      actor.lookAgain = false;
      this.look(actor, cause);
    });
  }

  /** Keeps looking at an actor with a WireGuard device now and then, as long as it has one. */
  follow(actor: Actor): void {
    const wanted =
      !this.#stopped && actor.key.kind === 'wireguardinterface' && actor.snapshot.context.observed !== null;
    if (!wanted) this.forget(actor);
    else if (!this.#polls.has(actor)) this.#schedule(actor);
  }

  forget(actor: Actor): void {
    this.#polls.get(actor)?.();
    this.#polls.delete(actor);
  }

  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#polls.values()) cancel();
    this.#polls.clear();
  }

  #schedule(actor: Actor): void {
    const { clock, poll } = this.#options;
    // Spread by up to a fifth, so that a thousand devices are not asked at once.
    const milliseconds = poll * (0.9 + 0.2 * Math.random());
    const cancel = clock.after(milliseconds, () => {
      this.#schedule(actor);
      this.look(actor);
    });
    this.#polls.set(actor, cancel);
  }

  async #look(actor: Actor, cause: Cause | null): Promise<void> {
    const sound = soundSpec(actor);
    if (!sound) return;
    // What changed in this turn of the event loop is looked at once.
    await new Promise((resolve) => setImmediate(resolve));
    const { epoch, performed } = actor;
    let observed: Observed;
    try {
      observed = await observe(
        actor.key,
        sound.driver,
        sound.spec,
        Object.fromEntries(actor.netns),
        this.#options.open(),
        (device) => {
          actor.device = device;
        },
      );
    } catch (error) {
      if (actor.epoch !== epoch) return this.#retry(actor, cause, 0);
      this.#options.log.warn('cannot look at the kernel; looks again', { actor: actor.id, error: explain(error) });
      return this.#retry(actor, cause, again);
    }
    // A look that began before the operations ended does not show their outcome.
    const stale = actor.epoch !== epoch || actor.performed !== performed || soundSpec(actor)?.spec !== sound.spec;
    if (stale) return this.#retry(actor, cause, 0);
    this.#report(actor, this.#options.mark(actor, observed), cause);
    this.#options.looked(actor);
  }

  /** An answer is owed: the look is tried again. A change that nobody waits for is noticed by the next notification. */
  #retry(actor: Actor, cause: Cause | null, milliseconds: number): void {
    const owed = actor.performed !== null || actor.snapshot.context.asked.observe;
    if (!owed) return;
    if (milliseconds === 0) actor.lookAgain = true;
    else this.#options.clock.after(milliseconds, () => this.look(actor, cause));
  }

  #report(actor: Actor, observed: Observed, cause: Cause | null): void {
    const { tell } = this.#options;
    const { context } = actor.snapshot;
    const { performed } = actor;
    if (performed !== null) {
      actor.performed = null;
      tell(actor, { type: 'LinkObserved', data: { observed, operations: performed.id } }, performed.cause);
      return;
    }
    if (context.running !== null) return;
    const asked = context.asked.observe;
    if (
      !asked &&
      (context.observed === null || isDeepStrictEqual(significant(context.observed), significant(observed)))
    )
      return;
    const drift = driftIn(actor.snapshot, observed);
    if (drift.length > 0) tell(actor, { type: 'DriftObserved', data: { observed, drift } }, asked ? cause : null);
    else tell(actor, { type: 'LinkObserved', data: { observed } }, asked ? cause : null);
  }
}

/** An observation without what changes all the time: a peer that roams is no news, one that loses its endpoint is. */
function significant(observed: Observed): Observed {
  const links = Object.fromEntries(
    Object.entries(observed.links).map(([slot, link]: [string, ObservedLink | null | undefined]) => {
      if (!link?.wireguard) return [slot, link];
      const peers = link.wireguard.peers.map((peer) => ({ ...peer, endpoint: peer.endpoint === null ? null : 'some' }));
      return [slot, { ...link, wireguard: { ...link.wireguard, peers } }];
    }),
  );
  return { ...observed, links };
}
