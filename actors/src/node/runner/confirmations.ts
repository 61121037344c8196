import type { Operation, Reach } from '@ifactor/crds';
import { judge, trialOf } from '../../interface/machine/confirm.ts';
import type { Clock } from '@ifactor/common';
import type { Actor, Cause } from './actor.ts';
import type { Mailbox } from './mailbox.ts';

type Begin = Extract<Operation, { type: 'BeginConfirm' }>;
type Await = Extract<Operation, { type: 'AwaitConfirm' }>;

/** Milliseconds between two looks, at most; a short trial is looked at five times. */
const longest = 1000;
/** How long an agent that starts during a trial has to connect, in milliseconds, before silence counts. */
const grace = 5000;

/** Watches what changes with `spec.confirm` may make the node lose, and reports whether each proved itself. */
export class Confirmations {
  readonly #mailbox: Mailbox;
  readonly #clock: Clock;
  readonly #natsAnswers: () => Promise<boolean>;
  readonly #watches = new Map<Actor, () => void>();

  /** @param natsAnswers whether NATS answers now; never rejects */
  constructor(mailbox: Mailbox, clock: Clock, natsAnswers: () => Promise<boolean>) {
    this.#mailbox = mailbox;
    this.#clock = clock;
    this.#natsAnswers = natsAnswers;
  }

  /** Checks what is reachable before the change: only that can be lost by it. */
  async begin(actor: Actor, { generation, timeoutSeconds, probe }: Begin, cause: Cause): Promise<void> {
    const watched = await this.#reached(actor, probe === null ? ['nats'] : ['nats', 'probe'], probe);
    this.#mailbox.tell(actor, { type: 'ConfirmBegan', data: { generation, timeoutSeconds, watched } }, cause);
  }

  /**
   * Probes repeatedly until the trial is decided. Time without an answer counts from the change, or from a little after the
   * start of an agent that died during the trial.
   */
  watch(actor: Actor, operation: Await, cause: Cause): void {
    const { generation, timeoutSeconds, watched, probe, to, resumed } = operation;
    const timeout = timeoutSeconds * 1000;
    // Setting the wall clock must neither end a trial nor prolong it: only the duration of a restart is measured by the wall clock.
    const now = (): number => this.#clock.monotonic();
    const away = this.#clock.now() - Date.parse(operation.since);
    // A longer time, or none, may be a clock that was set meanwhile: the trial begins again.
    const elapsed = resumed && away > 0 && away < timeout ? away : 0;
    const since = now() - elapsed;
    const from = now() + (resumed ? grace : 0);
    const reached = new Map<Reach, number | null>(watched.map((reach) => [reach, null]));
    this.forget(actor);
    let cancel: (() => void) | undefined;
    const end = (): void => cancel?.();
    this.#watches.set(actor, end);
    const over = (): boolean =>
      this.#watches.get(actor) !== end || trialOf(actor.snapshot.context, generation) === null;
    const next = (): void => {
      cancel = this.#clock.after(Math.min(longest, timeout / 5), () => void look());
    };
    const look = async (): Promise<void> => {
      for (const reach of await this.#reached(actor, watched, probe)) reached.set(reach, now());
      if (over()) return;
      const verdict = judge({ since, from, timeout, reached }, now());
      if (verdict === 'open') return next();
      this.#watches.delete(actor);
      if (verdict === 'confirmed') this.#mailbox.tell(actor, { type: 'SpecConfirmed', data: { generation } }, cause);
      else
        this.#mailbox.tell(
          actor,
          { type: 'SpecRolledBack', data: { generation, to, lost: verdict, seconds: timeoutSeconds } },
          cause,
        );
    };
    next();
  }

  forget(actor: Actor): void {
    this.#watches.get(actor)?.();
    this.#watches.delete(actor);
  }

  stop(): void {
    for (const actor of this.#watches.keys()) this.forget(actor);
  }

  async #reached(actor: Actor, asked: readonly Reach[], probe: string | null): Promise<Reach[]> {
    const answers = await Promise.all(
      asked.map(async (reach) => ({
        reach,
        ok: reach === 'nats' ? await this.#natsAnswers() : await reaches(actor, probe),
      })),
    );
    return answers.filter(({ ok }) => ok).map(({ reach }) => reach);
  }
}

/** Probes from the interface's netns. From a closed netns nothing is reachable. */
async function reaches(actor: Actor, probe: string | null): Promise<boolean> {
  const netns = actor.netns.get('target') ?? actor.netns.get('home');
  if (!netns || probe === null) return false;
  return netns.reaches(probe).catch(() => false);
}
