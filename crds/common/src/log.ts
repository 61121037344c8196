import { systemClock, timestamp } from './clock.ts';
import type { Clock } from './clock.ts';
import { printable } from './printable.ts';

/** One line per message on stderr: time, level, component, message, `key=value`s. Never pass it a secret. */
export type Log = Record<
  'debug' | 'info' | 'warn' | 'error',
  (message: string, fields?: Record<string, unknown>) => void
> & {
  /** The same log with fields that are added to every line. */
  with(fields: Record<string, unknown>): Log;
};

const levels = ['debug', 'info', 'warn', 'error'] as const;
export type Level = (typeof levels)[number];

/**
 * @param component first word after the level, such as `agent` or `bridge`
 * @param least lines below this level are left out
 */
export function createLog(
  component: string,
  least: Level = 'info',
  write: (line: string) => void = (line) => process.stderr.write(line),
  fixed: Record<string, unknown> = {},
  clock: Clock = systemClock,
): Log {
  const at =
    (level: Level) =>
    (message: string, fields: Record<string, unknown> = {}) => {
      if (levels.indexOf(level) < levels.indexOf(least)) return;
      const pairs = Object.entries({ ...fixed, ...fields })
        .filter(([, value]) => value !== undefined)
        .map(([key, value]) => ` ${key}=${spell(value)}`);
      write(`${printable(`${timestamp(clock)} ${level.padEnd(5)} ${component} ${message}${pairs.join('')}`)}\n`);
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    with: (fields) => createLog(component, least, write, { ...fixed, ...fields }, clock),
  };
}

function spell(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(explain(value));
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);
}

/** An error and its causes in one line, without repetition. */
export function explain(error: unknown): string {
  const parts: string[] = [];
  for (let at: unknown = error; at !== undefined && at !== null; at = at instanceof Error ? at.cause : undefined) {
    // A connection tried on several addresses fails with an AggregateError that has no message of its own.
    const inner = at instanceof AggregateError && at.message === '' ? at.errors[0] : at;
    const text = (inner instanceof Error ? inner.message : String(inner)).trim();
    if (text !== '' && !parts.some((part) => part.includes(text))) parts.push(text);
  }
  return printable(parts.join(': ').replaceAll(/\s*\n\s*/g, ' '));
}
