/** Time, injected wherever it is needed, so that tests and a fleet simulator can control it. */
export type Clock = {
  /** Wall clock, in milliseconds since 1970. It can be set, back or forward. */
  now(): number;
  /** Milliseconds since some moment of this process. It cannot be set: use it to measure durations. */
  monotonic(): number;
  /**
   * Calls back once after this many milliseconds; call the result to cancel.
   * @param keepsAlive whether the timer keeps the process alive
   */
  after(milliseconds: number, elapsed: () => void, keepsAlive?: boolean): () => void;
};

/** The only place that reads the time from the runtime. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(milliseconds, elapsed, keepsAlive = false) {
    const timer = setTimeout(elapsed, milliseconds);
    // A browser's timer is a number.
    if (!keepsAlive) (timer as Partial<NodeJS.Timeout>).unref?.();
    return () => clearTimeout(timer);
  },
};

/** The time in messages and logs: RFC 3339 in UTC, with milliseconds. */
export const timestamp = (clock: Clock): string => new Date(clock.now()).toISOString();

/** The time in Kubernetes objects: RFC 3339 in UTC, without fractions. */
export const timestampSeconds = (clock: Clock): string => timestamp(clock).replace(/\.\d+Z$/, 'Z');

/** Calls back at this interval in milliseconds, counted from the last call; call the result to stop. Does not keep the process alive. */
export function every(clock: Clock, milliseconds: number, call: () => void): () => void {
  const again = (): void => {
    end = clock.after(milliseconds, again);
    call();
  };
  let end = clock.after(milliseconds, again);
  return () => end();
}
