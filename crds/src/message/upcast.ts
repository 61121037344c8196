import { machineVersion } from './event.ts';
import type { RecordedEvent } from './event.ts';

/** By the version of the machine that wrote the event: converts it to the next version. */
export type Steps = { readonly [version: number]: (event: RecordedEvent) => RecordedEvent };

const same = (event: RecordedEvent): RecordedEvent => event;

// Version 2 made other decisions from the same events; version 3 reads the reasons in them, and display code turns these into text.
const steps: Steps = { 1: same, 2: same };

/**
 * Converts an event of an older machine to the form of this one; `machine` still is the version that wrote it. An event of a newer
 * machine stays unchanged: it can be shown, but its folded state here proves nothing.
 */
export function upcast(event: RecordedEvent, known: Steps = steps, version: number = machineVersion): RecordedEvent {
  let result = event;
  for (let at = event.machine; at < version; at++) result = known[at]?.(result) ?? result;
  return result === event ? event : { ...result, machine: event.machine };
}
