import type { Key, RecordedEvent } from '@ifactor/crds';
import { machineVersion } from '@ifactor/crds';

/** Where the next event of a log goes; a `Journal` fits. */
type Log = { readonly node: string; readonly sequence: number; eventId(sequence: number): string };

/** Events that continue a log, one per key given, of a type that needs no particular data. */
export function someEvents(log: Log, keys: readonly Key[], time: Date = new Date()): RecordedEvent[] {
  return keys.map((key, i) => {
    const sequence = log.sequence + 1 + i;
    return {
      type: 'TimerElapsed',
      time: time.toISOString(),
      data: { timer: `number ${sequence}` },
      id: log.eventId(sequence),
      sequence,
      node: log.node,
      key,
      causationId: null,
      correlationId: `uid@${sequence}`,
      state: 'pending',
      machine: machineVersion,
    };
  });
}

/** A key for tests that need several. */
export const someKey = (name: string): Key => ({ kind: 'netlinkinterface', namespace: 'default', name });
