/** Time, injected wherever it is needed, so that tests and a simulator of a whole fleet can run it. */
export type Clock = {
  /** Wall clock, in milliseconds since 1970. Somebody may set it, back or forward. */
  now(): number;
  /** Milliseconds since some moment of this process. Nobody sets it: what durations are measured by. */
  monotonic(): number;
  /**
   * Calls back once after so many milliseconds; the result cancels.
   * @param keepsAlive whether the process waits for it with nothing else to do
   */
  after(milliseconds: number, elapsed: () => void, keepsAlive?: boolean): () => void;
};

/** The only place that asks the runtime for the time. */
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

/** The time as messages and logs have it: RFC 3339 in UTC, with milliseconds. */
export const timestamp = (clock: Clock): string => new Date(clock.now()).toISOString();

/** As Kubernetes has it: RFC 3339 in UTC, without fractions. */
export const timestampSeconds = (clock: Clock): string => timestamp(clock).replace(/\.\d+Z$/, 'Z');

/** Calls back every so many milliseconds, each time after the last call; the result ends it. Keeps no process alive. */
export function every(clock: Clock, milliseconds: number, call: () => void): () => void {
  const again = (): void => {
    end = clock.after(milliseconds, again);
    call();
  };
  let end = clock.after(milliseconds, again);
  return () => end();
}
