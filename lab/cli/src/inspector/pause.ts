import { systemClock } from '@ifactor/common';
import type { Clock } from '@ifactor/common';

/** How long a long computation may go on before others are served. */
const turnMs = 15;

/** Called now and then by a long computation: lets others be served when it is time for that. */
export function pause(clock: Clock = systemClock): () => Promise<void> | undefined {
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
