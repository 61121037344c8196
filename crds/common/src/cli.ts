import { systemClock } from './clock.ts';
import { explain } from './log.ts';
import { whenStarterEnds } from './starter.ts';

/** The caller can fix this with other arguments; ends a program with exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/**
 * Runs a program's main function: an error becomes one line on stderr and an exit code (2 for usage, else 1), never a
 * stack trace, unless DEBUG is set.
 */
export async function run(program: string, main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    if (process.env['DEBUG']) console.error(error);
    else process.stderr.write(`${program}: ${explain(error)}\n`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
    // What is still open (sockets, timers) must not keep a failed program alive.
    process.exit();
  }
}

/**
 * Resolves with the signal's name at the first SIGINT, SIGTERM or SIGHUP; a second one ends the process at once. The end of the npm
 * that started the program counts as SIGTERM.
 */
export function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    whenStarterEnds(systemClock, () => resolve('SIGTERM'));
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(130));
        resolve(signal);
      });
    }
  });
}
