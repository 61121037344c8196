import type { Clock } from '@ifactor/common';

/**
 * The NATS server's time, in ms: heartbeats carry it, and the clock of the bridge's machine may be wrong. It is the local
 * clock's until the server has said a time.
 */
export type ServerTime = {
  now(): number;
  /** A time that the server said just now. */
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
