import { explain } from '@ifactor/common';
import type { Log } from '@ifactor/common';

/**
 * One voice for all that wait for the same server: says at once that it is away, again every `every` ms while it stays
 * away, and that it is back when nobody waits any more.
 */
export type Outage = { down(who: string, message: string, error: unknown): void; up(who: string): void };

export function createOutage(
  log: Log,
  back: string,
  every = 30_000,
  now: () => number = () => performance.now(),
): Outage {
  const waiting = new Set<string>();
  const said = new Map<string, number>();
  return {
    down(who, message, error) {
      waiting.add(who);
      const last = said.get(message);
      if (last !== undefined && now() - last < every) return;
      said.set(message, now());
      log.warn(message, { error: explain(error) });
    },
    up(who) {
      if (!waiting.delete(who) || waiting.size > 0) return;
      said.clear();
      log.info(back);
    },
  };
}
