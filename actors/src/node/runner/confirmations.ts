import type { Operation, Reach } from '@ifactor/crds';
import { judge, trialOf } from '../../interface/machine/confirm.ts';
import type { Clock } from '@ifactor/common';
import type { Cause, Fact, Actor } from './actor.ts';

export type ConfirmationsOptions = {
  tell: (actor: Actor, fact: Fact, cause: Cause | null) => void;
  clock: Clock;
  /** Whether NATS answers now. Never rejects. */
  nats: () => Promise<boolean>;
};

type Begin = Extract<Operation, { type: 'BeginConfirm' }>;
type Await = Extract<Operation, { type: 'AwaitConfirm' }>;

/** Milliseconds between two looks, at most; a short trial is looked at five times. */
const longest = 1000;
/** What an agent that starts amid a trial is given to connect, in milliseconds, before silence counts. */
const grace = 5000;

/** Watches what changes with `spec.confirm` may make the node lose, and tells when one has proved itself or has not. */
export class Confirmations {
  readonly #options: ConfirmationsOptions;
  readonly #watches = new Map<Actor, () => void>();

  constructor(options: ConfirmationsOptions) {
    this.#options = options;
  }

  /** What is reached before the change: only that can be lost by it. */
  async begin(actor: Actor, { generation, timeoutSeconds, probe }: Begin, cause: Cause): Promise<void> {
    const watched = await this.#reached(actor, probe === null ? ['nats'] : ['nats', 'probe'], probe);
    this.#options.tell(actor, { type: 'ConfirmBegan', data: { generation, timeoutSeconds, watched } }, cause);
  }

  /**
   * Looks again and again till the trial is decided. Time without an answer counts from the change, or from a little after the
   * start of an agent that died during the trial.
   */
  watch(actor: Actor, operation: Await, cause: Cause): void {
    const { clock, tell } = this.#options;
    const { generation, timeoutSeconds, watched, probe, to, resumed } = operation;
    const timeout = timeoutSeconds * 1000;
    const now = (): number => clock.now();
    const from = now() + (resumed ? grace : 0);
    const reached = new Map<Reach, number | null>(watched.map((reach) => [reach, null]));
    this.forget(actor);
    let cancel: (() => void) | undefined;
    const end = (): void => cancel?.();
    this.#watches.set(actor, end);
    const over = (): boolean =>
      this.#watches.get(actor) !== end || trialOf(actor.snapshot.context, generation) === null;
    const next = (): void => {
      cancel = clock.after(Math.min(longest, timeout / 5), () => void look());
    };
    const look = async (): Promise<void> => {
      for (const reach of await this.#reached(actor, watched, probe)) reached.set(reach, now());
      if (over()) return;
      const verdict = judge({ since: Date.parse(operation.since), from, timeout, reached }, now());
      if (verdict === 'open') return next();
      this.#watches.delete(actor);
      if (verdict === 'confirmed') tell(actor, { type: 'SpecConfirmed', data: { generation } }, cause);
      else
        tell(
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
        ok: reach === 'nats' ? await this.#options.nats() : await reaches(actor, probe),
      })),
    );
    return answers.filter(({ ok }) => ok).map(({ reach }) => reach);
  }
}

/** From where the interface belongs. A netns that is closed reaches nothing. */
async function reaches(actor: Actor, probe: string | null): Promise<boolean> {
  const netns = actor.netns.get('target') ?? actor.netns.get('home');
  if (!netns || probe === null) return false;
  return netns.reaches(probe).catch(() => false);
}
