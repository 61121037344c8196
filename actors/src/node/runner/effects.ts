import type { Operation } from '@ifactor/crds';
import type { NetnsResolver } from '../../containers/index.ts';
import { timers } from '../../interface/machine/context.ts';
import type { Runtime } from '../../runtime.ts';
import type { Actor, Cause } from './actor.ts';
import { Claims } from './claims.ts';
import { Confirmations } from './confirmations.ts';
import { Endpoints } from './endpoints.ts';
import { Looker } from './looker.ts';
import { Loops } from './loops.ts';
import { Lookups } from './lookups.ts';
import type { SecretSource } from './lookups.ts';
import type { Mailbox } from './mailbox.ts';
import { Performer } from './performer.ts';
import { systemLookup, withTimeLimit } from '../resolve/resolver.ts';
import type { Lookup } from '../resolve/resolver.ts';
import { Slots } from './slots.ts';
import { Subscriptions } from './subscriptions.ts';
import { Timers } from './timers.ts';

/** Tuning for tests and benchmarks; defaults are meant for production. */
export type Tuning = {
  /** How often WireGuard devices are polled: the kernel sends no notification when they change. Default: 5 s. */
  pollMs?: number;
  /** Without a handshake for so long a peer's endpoint is doubted. */
  quietMs?: number;
  /** Resolves host names. Default: the system's resolver. */
  resolve?: Lookup;
};

export type EffectsOptions = {
  runtime: Runtime;
  places: NetnsResolver;
  secrets: SecretSource;
  /** Whether NATS answers now: what a change with `spec.confirm` must not lose. Never rejects. */
  natsAnswers: () => Promise<boolean>;
  tuning?: Tuning;
};

/** All side effects of a node's actors, and the observations that they get back. */
export class Effects {
  readonly #claims: Claims;
  readonly #confirmations: Confirmations;
  readonly #endpoints: Endpoints;
  readonly #loops: Loops;
  readonly #lookups: Lookups;
  readonly #performer: Performer;
  readonly #slots: Slots;
  readonly #subscriptions = new Subscriptions();
  readonly #timers: Timers;
  readonly looker: Looker;

  constructor(mailbox: Mailbox, { runtime, places, secrets, natsAnswers, tuning = {} }: EffectsOptions) {
    const { clock } = runtime;
    const resolve = withTimeLimit(tuning.resolve ?? systemLookup, clock);
    this.#claims = new Claims(mailbox);
    this.#confirmations = new Confirmations(mailbox, clock, natsAnswers);
    this.#loops = new Loops(mailbox);
    this.#lookups = new Lookups(mailbox, secrets);
    this.#slots = new Slots(mailbox, places);
    this.#timers = new Timers(mailbox, clock);
    this.#endpoints = new Endpoints(mailbox, runtime, resolve, tuning.quietMs);
    this.looker = new Looker(mailbox, runtime, this.#slots, this.#endpoints, tuning.pollMs);
    this.#performer = new Performer(mailbox, secrets, this.#slots, resolve, runtime.log);

    this.looker.observed.subscribe((actor) => this.#slots.looked(actor));
    this.#slots.formerFound.subscribe((actor) => this.looker.look(actor));
    this.#performer.performed.subscribe((actor) => this.looker.look(actor));
    this.#endpoints.doubted.subscribe((actor) => this.looker.look(actor));
    this.#endpoints.retryable.subscribe((actor) =>
      mailbox.tell(actor, { type: 'TimerElapsed', data: { timer: timers.endpoints } }, null),
    );
    this.#slots.changed.subscribe(({ netns, change }) => {
      this.#endpoints.changed(netns, change);
      for (const actor of this.#subscriptions.in(netns, change)) this.looker.look(actor);
    });
  }

  /** Begins what a machine asks for. Its outcome comes back as facts. */
  begin(actor: Actor, operation: Operation, cause: Cause): void {
    switch (operation.type) {
      case 'ResolveSecrets':
        return this.#lookups.secrets(actor, operation.refs, cause);
      case 'ResolveNetns':
        return this.#slots.resolve(actor, operation.slots, cause);
      case 'Observe':
        return this.looker.look(actor, cause);
      case 'BeginConfirm':
        return void this.#confirmations.begin(actor, operation, cause);
      case 'AwaitConfirm':
        return this.#confirmations.watch(actor, operation, cause);
      case 'Perform':
        return void this.#performer.perform(actor, operation.id, operation.operations, cause);
      case 'StartTimer':
        return this.#timers.start(actor, operation, cause);
      case 'StopTimer':
        return this.#timers.stop(actor, operation.timer);
    }
  }

  /** To be called after events were folded, before anything is begun. */
  update(actor: Actor): void {
    this.#slots.update(actor);
    this.#claims.update(actor);
    this.#loops.update(actor);
    this.#subscriptions.update(actor);
  }

  /** To be called when an actor has nothing queued any more. */
  settle(actor: Actor): void {
    this.#slots.dropFormer(actor);
    this.looker.follow(actor);
  }

  /** Releases everything that is held for an actor. Its links stay. */
  forget(actor: Actor): void {
    this.#timers.forget(actor);
    this.#slots.leave(actor);
    this.looker.forget(actor);
    this.#confirmations.forget(actor);
    this.#endpoints.forget(actor);
    this.#subscriptions.remove(actor);
    this.#claims.remove(actor);
    this.#loops.remove(actor);
  }

  /** Closes the kernel. Links stay as they are. */
  stop(actors: Iterable<Actor>): void {
    for (const actor of actors) {
      this.#timers.forget(actor);
      this.#slots.leave(actor);
    }
    this.looker.stop();
    this.#confirmations.stop();
    this.#endpoints.stop();
    this.#slots.stop();
  }
}
