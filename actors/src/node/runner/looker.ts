import { isDeepStrictEqual } from 'node:util';
import { explain } from '@ifactor/common';
import type { Observed, ObservedLink } from '@ifactor/crds';
import { observe } from '../../driver/index.ts';
import { isKernelError } from '../../kernel/index.ts';
import { driftIn } from '../../interface/machine/fold.ts';
import type { Runtime } from '../../runtime.ts';
import { soundSpec } from './actor.ts';
import type { Actor, Cause } from './actor.ts';
import type { Endpoints } from './endpoints.ts';
import type { Mailbox } from './mailbox.ts';
import { Signal } from './signal.ts';
import type { Slots } from './slots.ts';

/** Between looks at a WireGuard device. */
const defaultPollMs = 5000;
/** Between a look that failed and the next. */
const retryMs = 1000;

/** Observes the kernel for an actor, and sends it what changed. One look at a time per actor. */
export class Looker {
  /** A look succeeded, whether or not it showed a change. */
  readonly observed = new Signal<Actor>();
  readonly #mailbox: Mailbox;
  readonly #runtime: Runtime;
  readonly #slots: Slots;
  readonly #endpoints: Endpoints;
  readonly #pollMs: number;
  readonly #polls = new Map<Actor, () => void>();
  #stopped = false;

  constructor(mailbox: Mailbox, runtime: Runtime, slots: Slots, endpoints: Endpoints, pollMs = defaultPollMs) {
    this.#mailbox = mailbox;
    this.#runtime = runtime;
    this.#slots = slots;
    this.#endpoints = endpoints;
    this.#pollMs = pollMs;
  }

  /** Looks soon. `cause`: the event that asked for it; absent where the kernel changed by itself. */
  look(actor: Actor, cause: Cause | null = null): void {
    if (this.#stopped) return;
    // While decisions are suspended, only the outcome of performed operations is still reported.
    if (this.#mailbox.parked && actor.performed === null) return;
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
    for (const actor of this.#polls.keys()) this.forget(actor);
  }

  #schedule(actor: Actor): void {
    const { clock, random } = this.#runtime;
    // Spread by up to a fifth, so that a thousand devices are not asked at once.
    const milliseconds = this.#pollMs * (0.9 + 0.2 * random.fraction());
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
        sound.rules,
        sound.spec,
        Object.fromEntries(actor.netns),
        this.#slots.of(actor),
        (device) => {
          actor.device = device;
        },
      );
    } catch (error) {
      if (actor.epoch !== epoch) return this.#retry(actor, cause, 0);
      if (!isKernelError(error)) return this.#fail(actor, error);
      this.#runtime.log.warn('failed to read the kernel; retrying in 1 s', { actor: actor.id, error: explain(error) });
      return this.#retry(actor, cause, retryMs);
    }
    // A look that began before the operations ended does not show their outcome.
    const stale = actor.epoch !== epoch || actor.performed !== performed || soundSpec(actor)?.spec !== sound.spec;
    if (stale) return this.#retry(actor, cause, 0);
    this.#mailbox.contain(actor, 'Observe', () => {
      this.#report(actor, this.#endpoints.markStale(actor, observed), cause);
      this.observed.emit(actor);
    });
  }

  /** A thrown error that is not from the kernel is a defect: it becomes a failure of this actor, which backs off and looks again. */
  #fail(actor: Actor, error: unknown): void {
    actor.performed = null;
    this.#mailbox.contain(actor, 'Observe', () => {
      throw error;
    });
  }

  /** Retries the look if the actor waits for its result. Otherwise the next notification triggers another look. */
  #retry(actor: Actor, cause: Cause | null, milliseconds: number): void {
    const owed = actor.performed !== null || actor.snapshot.context.asked.observe;
    if (!owed) return;
    if (milliseconds === 0) actor.lookAgain = true;
    else this.#runtime.clock.after(milliseconds, () => this.look(actor, cause));
  }

  #report(actor: Actor, observed: Observed, cause: Cause | null): void {
    const { context } = actor.snapshot;
    const { performed } = actor;
    if (performed !== null) {
      actor.performed = null;
      this.#mailbox.tell(
        actor,
        { type: 'LinkObserved', data: { observed, operations: performed.id } },
        performed.cause,
      );
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
    if (drift.length > 0)
      this.#mailbox.tell(actor, { type: 'DriftObserved', data: { observed, drift } }, asked ? cause : null);
    else this.#mailbox.tell(actor, { type: 'LinkObserved', data: { observed } }, asked ? cause : null);
  }
}

/** An observation without what changes all the time: a peer that roams is no change, one that loses its endpoint is. */
function significant(observed: Observed): Observed {
  const links = Object.fromEntries(
    Object.entries(observed.links).map(([slot, link]: [string, ObservedLink | null | undefined]) => {
      if (!link?.wireguard) return [slot, link];
      const peers = link.wireguard.peers.map((peer) => ({ ...peer, endpoint: Boolean(peer.endpoint) }));
      return [slot, { ...link, wireguard: { ...link.wireguard, peers } }];
    }),
  );
  return { ...observed, links };
}
