import { machineVersion } from './event.ts';
import type { RecordedEvent } from './event.ts';

/** By the version of the machine that wrote it: how an event reads in the version after that one. */
export type Steps = { readonly [version: number]: (event: RecordedEvent) => RecordedEvent };

// Version 1 is the only one so far. What belongs here when it is raised: test/golden/README.md.
const steps: Steps = {};

/**
 * An event of an older machine, as this one would have recorded it; `machine` still says which one did. One of a newer machine
 * stays as it is: it can be shown, but what it folds to here proves nothing.
 */
export function upcast(event: RecordedEvent, known: Steps = steps, version: number = machineVersion): RecordedEvent {
  let result = event;
  for (let at = event.machine; at < version; at++) result = known[at]?.(result) ?? result;
  return result === event ? event : { ...result, machine: event.machine };
}
