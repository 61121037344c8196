import type { Actor, Cause, Fact } from './actor.ts';

/** How the effects of a node reach its actors. */
export type Mailbox = {
  readonly actors: ReadonlyMap<string, Actor>;
  /** Whether decisions are suspended, since the journal cannot take another event. */
  readonly parked: boolean;
  /** Queues a fact. It is folded and stored at the end of this turn of the event loop. */
  tell(actor: Actor, fact: Fact, cause: Cause | null): void;
  /** Runs a step of one actor. An exception becomes a failure of that actor only. */
  contain(actor: Actor, step: string, run: () => void): void;
};
