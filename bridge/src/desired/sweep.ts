import { explain } from '@ifactor/common';
import type { Log } from '@ifactor/common';
import { isTombstone } from '../stream/publisher.ts';
import type { Publisher } from '../stream/publisher.ts';
import type { Follower } from '../stream/follower.ts';

export type SweepOptions = {
  desired: Follower;
  publisher: Pick<Publisher, 'purgeTombstone' | 'reread'>;
  leads: () => boolean;
  log: Log;
  /** How long a tombstone is kept, ms. */
  keep: number;
  signal: AbortSignal;
};

/** The longest time between two sweeps, ms. */
const longest = 60_000;

/**
 * Takes tombstones out of the stream that are older than `keep`: what is deleted must not fill it for ever. No agent needs them: one
 * that was away meanwhile still says how the interface is, and is told again that its object is gone. Ends with the signal.
 */
export function startSweeping({ desired, publisher, leads, log, keep, signal }: SweepOptions): void {
  let busy = false;
  const sweep = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    try {
      for (const entry of Array.from(desired.all()).filter(isTombstone)) {
        if (signal.aborted) return;
        const age = Date.now() - entry.time;
        if (age <= keep) continue;
        if (leads()) await publisher.purgeTombstone(entry);
        // What the leader has taken out is not told: whoever stands by looks.
        else if (age > 2 * keep + longest) await publisher.reread(entry.subject);
      }
    } catch (error) {
      log.debug('cannot take out tombstones now', { error: explain(error) });
    } finally {
      busy = false;
    }
  };
  const timer = setInterval(() => void sweep(), Math.max(100, Math.min(keep / 2, longest)));
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}
