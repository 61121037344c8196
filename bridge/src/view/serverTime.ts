import type { Clock } from '@ifactor/common';

/**
 * The NATS server's time, in ms: heartbeats are stamped with it, and the clock of the bridge's machine may be wrong. Until
 * the server has reported a time it is that of the newest message; before there is one, the local clock.
 */
export type ServerTime = {
  now(): number;
  /** Sets the time that the server reported just now. */
  said(time: number): void;
  /** The server stored a message at this time: it is not earlier now. */
  stored(time: number): void;
};

export function createServerTime(clock: Clock): ServerTime {
  /** Server's time at the local monotonic zero. */
  let zero: number | undefined;
  let reported = false;
  return {
    now: () => (zero === undefined ? clock.now() : zero + clock.monotonic()),
    said(time) {
      reported = true;
      zero = time - clock.monotonic();
    },
    stored(time) {
      if (!reported) zero = Math.max(zero ?? -Infinity, time - clock.monotonic());
    },
  };
}
