import type { Clock } from '@ifactor/common';
import type { Operation } from '@ifactor/crds';
import type { Actor, Cause } from './actor.ts';
import type { Mailbox } from './mailbox.ts';

/** The timers that machines ask for; one of each name per actor. */
export class Timers {
  readonly #mailbox: Mailbox;
  readonly #clock: Clock;

  constructor(mailbox: Mailbox, clock: Clock) {
    this.#mailbox = mailbox;
    this.#clock = clock;
  }

  /** Replaces a running timer of the same name. */
  start(actor: Actor, { timer, milliseconds }: Extract<Operation, { type: 'StartTimer' }>, cause: Cause): void {
    actor.timers.get(timer)?.();
    const elapsed = (): void => {
      actor.timers.delete(timer);
      this.#mailbox.tell(actor, { type: 'TimerElapsed', data: { timer } }, cause);
    };
    actor.timers.set(timer, this.#clock.after(milliseconds, elapsed));
  }

  stop(actor: Actor, timer: string): void {
    actor.timers.get(timer)?.();
    actor.timers.delete(timer);
  }

  forget(actor: Actor): void {
    for (const cancel of actor.timers.values()) cancel();
    actor.timers.clear();
  }
}
