import type { Clock } from '../clock.ts';
import type { Random } from '../random.ts';
import { Backoff, orAborted, sleep } from '../wait.ts';
import type { EventStore, StoredMessage } from './eventStore.ts';

export type FollowLastOptions = {
  store: EventStore;
  stream: string;
  filter: string;
  handlers: FollowLastHandlers;
  runtime: { readonly clock: Clock; readonly random: Random };
  signal: AbortSignal;
};

export type FollowLastHandlers = {
  /** `behind`: the message was stored before this round began, and may have been delivered in an earlier round. */
  onMessage: (message: StoredMessage, behind: boolean) => void;
  /** All messages of the stream have been delivered; these are all of its subjects. */
  onCaughtUp: (subjects: ReadonlySet<string>) => void;
  /** The stream cannot be read; the follower retries. Not called while the connection is broken. */
  onFailure: (error: unknown) => void;
};

/**
 * Follows the last message of each subject until the signal is aborted: first the stored ones, then each change, in the
 * stream's order. Restarts after each reconnect and each recreation of the stream, since the stream may have lost messages
 * or be another one; creates it if it is missing.
 */
export async function followLast(options: FollowLastOptions): Promise<void> {
  const { store, handlers, signal } = options;
  const { clock, random } = options.runtime;
  const backoff = new Backoff({ first: 50, most: 5000 }, random);
  while (!signal.aborted) {
    await orAborted(store.connected(), signal).catch(() => undefined);
    if (signal.aborted) return;
    const session = store.session();
    const round = AbortSignal.any([session, signal]);
    try {
      await orAborted(followOnce(options, round, backoff), round);
    } catch (error) {
      if (round.aborted) continue;
      handlers.onFailure(error);
    }
    await sleep(clock, backoff.next(), signal, session);
  }
}

async function followOnce(options: FollowLastOptions, signal: AbortSignal, backoff: Backoff): Promise<void> {
  const { store, stream, filter, handlers } = options;
  await store.prepare();
  const subjects = new Set<string>();
  let behind = true;
  for await (const followed of store.follow(stream, filter, signal)) {
    if (signal.aborted) return;
    if (followed.type === 'caughtUp') {
      behind = false;
      backoff.reset();
      handlers.onCaughtUp(subjects);
      continue;
    }
    if (behind) subjects.add(followed.message.subject);
    handlers.onMessage(followed.message, behind);
  }
}
