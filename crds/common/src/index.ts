export { run, stopSignal, UsageError } from './cli.ts';
export { every, systemClock, timestamp } from './clock.ts';
export type { Clock } from './clock.ts';
export { createLog, explain } from './log.ts';
export type { Level, Log } from './log.ts';
export { systemRandom } from './random.ts';
export type { Random } from './random.ts';
export { Backoff, orAborted, sleep } from './wait.ts';
export type { BackoffLimits } from './wait.ts';
