export { run, stopSignal, UsageError } from './cli.ts';
export { createLog, explain } from './log.ts';
export type { Level, Log } from './log.ts';
