import { systemClock } from '@ifactor/common';
import type { Clock } from '@ifactor/common';

/** How long a computation may run before other work is served. */
const turnMs = 15;

/** To be called often by a long computation: yields to the event loop when the time slice is used up. */
export function createTimeSlice(clock: Clock = systemClock): () => Promise<void> | undefined {
  let since = clock.monotonic();
  return () => {
    if (clock.monotonic() - since < turnMs) return undefined;
    return new Promise((resolve) => {
      setImmediate(() => {
        since = clock.monotonic();
        resolve();
      });
    });
  };
}
