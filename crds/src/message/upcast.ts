import { machineVersion } from './event.ts';
import type { RecordedEvent } from './event.ts';

/** By the version of the machine that wrote it: how an event reads in the version after that one. */
export type Steps = { readonly [version: number]: (event: RecordedEvent) => RecordedEvent };

const same = (event: RecordedEvent): RecordedEvent => event;

// Version 2 decided otherwise from the same events; version 3 knows the reasons in them, and leaves their sentences to who shows them.
const steps: Steps = { 1: same, 2: same };

/**
 * An event of an older machine, as this one would have recorded it; `machine` still says which one did. One of a newer machine
 * stays as it is: it can be shown, but what it folds to here proves nothing.
 */
export function upcast(event: RecordedEvent, known: Steps = steps, version: number = machineVersion): RecordedEvent {
  let result = event;
  for (let at = event.machine; at < version; at++) result = known[at]?.(result) ?? result;
  return result === event ? event : { ...result, machine: event.machine };
}
