import { createReadStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { machineVersion, StatusMessageSchema, UsageError } from '@ifactor/crds';
import type { RecordedEvent, StatusMessage } from '@ifactor/crds';
import { selects } from './selector.ts';
import type { Source } from './source.ts';

/*
 * A log file: one JSON object per line. The first one says what it is; then `{"event": RecordedEvent}`, each node's in
 * order, and `{"status": StatusMessage}`.
 */

/** The first line of a log file. */
export const fileHeader = (now: Date): string => JSON.stringify({ ifactor: 'log', version: 1, machine: machineVersion, exported: now.toISOString() });
export const eventLine = (event: RecordedEvent): string => JSON.stringify({ event });
export const statusLine = (status: StatusMessage): string => JSON.stringify({ status });

/** @throws UsageError where the file is no log */
export async function openFile(path: string): Promise<Source> {
  if (!existsSync(path)) throw new UsageError(`there is no file ${path}`);
  for await (const _ of lines(path)) break;
  return {
    async *events(selector) {
      for await (const { event } of lines(path)) if (event !== undefined && selects(selector, event)) yield event;
    },
    async *statuses() {
      for await (const { status } of lines(path)) if (status !== undefined) yield StatusMessageSchema.parse(status);
    },
    close: async () => {},
  };
}

type Line = { event?: RecordedEvent; status?: unknown };

async function* lines(path: string): AsyncGenerator<Line> {
  const input = createReadStream(path, 'utf8');
  let number = 0;
  try {
    for await (const text of createInterface({ input, crlfDelay: Infinity })) {
      number++;
      if (text === '' && number > 1) continue;
      const line = parse(text);
      if (line === null) throw new UsageError(`${path}, line ${number} is not JSON: not a file that \`ifactor export\` wrote`);
      if (number > 1) {
        yield line;
        continue;
      }
      const { ifactor, version } = line as { ifactor?: unknown; version?: unknown };
      if (ifactor !== 'log') throw new UsageError(`${path} is not a file that \`ifactor export\` wrote`);
      if (version !== 1) throw new UsageError(`${path} was written by another version of ifactor (${String(version)}); use that one`);
      yield {};
    }
  } finally {
    input.destroy();
  }
  if (number === 0) throw new UsageError(`${path} is empty`);
}

function parse(text: string): Line | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : null;
  } catch {
    return null;
  }
}
