/** Milliseconds to wait before the nth try (from 0) to reach the server again: half a second, doubling, at most ten. */
export const backoff = (attempt: number): number => Math.min(10_000, 500 * 2 ** attempt);
