import { every, explain } from '@ifactor/common';
import type { Clock, Log } from '@ifactor/common';
import { isTombstone } from '../stream/publisher.ts';
import type { Publisher } from '../stream/publisher.ts';
import type { Entry, StreamFollower } from '../stream/follower.ts';

export type SweepOptions = {
  desired: StreamFollower;
  publisher: Pick<Publisher, 'purgeTombstone' | 'reread'>;
  leads: () => boolean;
  log: Log;
  clock: Clock;
  /** How long a tombstone is kept, in milliseconds. */
  retentionMs: number;
  signal: AbortSignal;
};

/** Maximum interval between two sweeps, in milliseconds. */
const longestIntervalMs = 60_000;

/**
 * Removes tombstones older than `retentionMs` from the stream, so that deleted objects do not fill it. Agents do not depend on
 * them: an agent that was offline still publishes the interface's status and gets the tombstone again. Ends with the signal.
 */
export function startSweeping(options: SweepOptions): void {
  const { clock, log, retentionMs, signal } = options;
  let busy = false;
  const tick = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    try {
      await sweep(options);
    } catch (error) {
      log.debug('cannot remove tombstones now; retrying', { error: explain(error) });
    } finally {
      busy = false;
    }
  };
  const end = every(clock, Math.max(100, Math.min(retentionMs / 2, longestIntervalMs)), () => void tick());
  signal.addEventListener('abort', end, { once: true });
}

async function sweep({ desired, publisher, leads, clock, retentionMs, signal }: SweepOptions): Promise<void> {
  for (const entry of Array.from(desired.all())) {
    if (signal.aborted) return;
    const action = sweepAction(entry, clock.now(), retentionMs, leads());
    if (action === 'purge') await publisher.purgeTombstone(entry);
    if (action === 'reread') await publisher.reread(entry.subject);
  }
}

/**
 * The leader removes an expired tombstone. That sends no notification, so a standby bridge checks when the leader must
 * have done so.
 */
export function sweepAction(
  entry: Entry,
  now: number,
  retentionMs: number,
  leads: boolean,
): 'purge' | 'reread' | undefined {
  if (!isTombstone(entry)) return undefined;
  const age = now - entry.time;
  if (leads) return age > retentionMs ? 'purge' : undefined;
  return age > 2 * retentionMs + longestIntervalMs ? 'reread' : undefined;
}
