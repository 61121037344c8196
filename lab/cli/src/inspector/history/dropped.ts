import { UsageError } from '@ifactor/common';
import { upcast } from '@ifactor/crds';
import type { RecordedEvent } from '@ifactor/crds';
import { lineReader } from '../../log/file.ts';
import { EventLog } from './log.ts';
import { createTimeSlice } from '../timeSlice.ts';
import { fileLimit } from '../protocol.ts';

/**
 * Reads a log file that was dropped on the page. Nothing of it is stored.
 * @throws UsageError if the file is too large, or not one that `ifactor export` wrote
 */
export async function readDropped(name: string, text: string): Promise<EventLog> {
  if (text.length > fileLimit) {
    throw new UsageError(
      `${name} is larger than ${fileLimit >> 20} MiB: export less (ifactor export --since …), or open it with \`ifactor ui --file\``,
    );
  }
  const log = new EventLog();
  const read = lineReader(name);
  const endSlice = createTimeSlice();
  let number = 0;
  for (let start = 0; start < text.length;) {
    const found = text.indexOf('\n', start);
    const end = found < 0 ? text.length : found;
    const line = read(text.slice(start, end).replace(/\r$/, ''));
    start = end + 1;
    number++;
    if (line?.event === undefined) continue;
    if (!isEvent(line.event))
      throw new UsageError(`${name}, line ${number} holds no event that an agent would have recorded`);
    try {
      log.append(upcast(line.event));
    } catch (cause) {
      throw new UsageError(`${name}, line ${number} cannot be folded: was it written by a newer ifactor?`, { cause });
    }
    await endSlice();
  }
  if (number === 0) throw new UsageError(`${name} is empty`);
  return log;
}

/** Whether it has the fields of every event. The contents of `data` are not checked here. */
function isEvent(event: RecordedEvent): boolean {
  const { id, sequence, node, key, time, type, data, state, machine, correlationId } = event;
  const texts = [id, node, time, type, state, correlationId, key?.kind, key?.namespace, key?.name];
  return (
    texts.every((text) => typeof text === 'string') &&
    Number.isInteger(sequence) &&
    Number.isInteger(machine) &&
    typeof data === 'object' &&
    data !== null &&
    !Number.isNaN(Date.parse(time))
  );
}
