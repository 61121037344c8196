import { createReadStream, existsSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { UsageError } from '@ifactor/common';
import { machineVersion, StatusMessageSchema, upcast } from '@ifactor/crds';
import type { RecordedEvent, StatusMessage } from '@ifactor/crds';
import { selectsEvent } from './selector.ts';
import type { LogSource } from './source.ts';

/*
 * A log file: one JSON object per line. The first one is the header; then `{"status": StatusMessage}`, and after all of these
 * `{"event": RecordedEvent}`, each node's in order.
 */

/** The first line of a log file. `selected`: it holds a part of the log only. */
export const fileHeader = (now: Date, selected: boolean): string =>
  JSON.stringify({
    ifactor: 'log',
    version: 1,
    machine: machineVersion,
    exported: now.toISOString(),
    ...(selected ? { selected } : {}),
  });
export const eventLine = (event: RecordedEvent): string => JSON.stringify({ event });
export const statusLine = (status: StatusMessage): string => JSON.stringify({ status });

/** @throws UsageError where the file is no log */
export async function openFile(path: string): Promise<LogSource> {
  if (!existsSync(path)) throw new UsageError(`there is no file ${path}`);
  let selected = false;
  for await (const header of lines(path)) {
    selected = header.selected === true;
    break;
  }
  return {
    selected,
    async *events(selector) {
      for await (const { event } of lines(path))
        if (event !== undefined && selectsEvent(selector, event)) yield upcast(event);
    },
    async *statuses() {
      for await (const { status, event } of lines(path)) {
        if (event !== undefined) return;
        if (status !== undefined) yield StatusMessageSchema.parse(status);
      }
    },
    close: async () => {},
  };
}

type Line = { event?: RecordedEvent; status?: unknown; selected?: unknown };

async function* lines(path: string): AsyncGenerator<Line> {
  const input = createReadStream(path, 'utf8');
  const read = lineReader(path);
  try {
    for await (const text of createInterface({ input, crlfDelay: Infinity })) {
      const line = read(text);
      if (line !== null) yield line;
    }
  } finally {
    input.destroy();
  }
  if (statSync(path).size === 0) throw new UsageError(`${path} is empty`);
}

/**
 * Reads a log file line by line: the header first, then the entries; null for an empty line.
 * @param name of the file, for error messages
 * @throws UsageError on a line that `ifactor export` would not have written
 */
export function lineReader(name: string): (text: string) => Line | null {
  let number = 0;
  return (text) => {
    number++;
    if (text === '' && number > 1) return null;
    const line = parse(text);
    if (line === null)
      throw new UsageError(`${name}, line ${number} is not JSON: not a file that \`ifactor export\` wrote`);
    if (number > 1) return line;
    const { ifactor, version } = line as { ifactor?: unknown; version?: unknown };
    if (ifactor !== 'log') throw new UsageError(`${name} is not a file that \`ifactor export\` wrote`);
    if (version !== 1)
      throw new UsageError(`${name} was written by another version of ifactor (${String(version)}); use that one`);
    const { selected } = line;
    return { selected };
  };
}

function parse(text: string): Line | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : null;
  } catch {
    return null;
  }
}
