import { explain, systemClock } from '@ifactor/common';
import type { Clock, Log } from '@ifactor/common';

/**
 * One log line for everything that waits for the same server: written when the first starts to wait, again every `everyMs`
 * while any waits, and `back` when the last has stopped waiting.
 */
export type Outage = { down(who: string, message: string, error: unknown): void; up(who: string): void };

export function createOutage(log: Log, back: string, everyMs = 30_000, clock: Clock = systemClock): Outage {
  const waiting = new Set<string>();
  const said = new Map<string, number>();
  return {
    down(who, message, error) {
      waiting.add(who);
      const last = said.get(message);
      if (last !== undefined && clock.monotonic() - last < everyMs) return;
      said.set(message, clock.monotonic());
      log.warn(message, { error: explain(error) });
    },
    up(who) {
      if (!waiting.delete(who) || waiting.size > 0) return;
      said.clear();
      log.info(back);
    },
  };
}
