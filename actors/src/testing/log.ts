import type { Log } from '@ifactor/common';

type Line = [level: string, message: string, fields: Record<string, unknown>];

/** A log that a test reads: each line with its level and fields, in order. */
export function testLog(): { log: Log; lines: Line[] } {
  const lines: Line[] = [];
  const at =
    (level: string) =>
    (message: string, fields: Record<string, unknown> = {}): void =>
      void lines.push([level, message, fields]);
  const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), with: () => log };
  return { log, lines };
}
