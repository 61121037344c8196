import type { Clock } from '@ifactor/common';

/**
 * The NATS server's time, in ms: heartbeats are stamped with it, and the clock of the bridge's machine may be wrong. Until
 * the server has reported a time, this is the local clock.
 */
export type ServerTime = {
  now(): number;
  /** Sets the time that the server reported just now. */
  said(time: number): void;
};

export function createServerTime(clock: Clock): ServerTime {
  /** Server's time at the local monotonic zero. */
  let zero: number | undefined;
  return {
    now: () => (zero === undefined ? clock.now() : zero + clock.monotonic()),
    said(time) {
      zero = time - clock.monotonic();
    },
  };
}
