import type { Drift, RecordedEvent } from '@ifactor/crds';
import { eventWords } from '@ifactor/crds/words';
import type { EventNote } from '../kube/recorder.ts';

const healthy = new Set(['configured', 'moved-to-netns']);

/** Turns the event log into what `kubectl describe` shows. Remembers only what is drifted now. */
export function createEventNotes(): (event: RecordedEvent) => EventNote | undefined {
  const drifted = new Map<string, string>();
  return (event) => {
    const id = `${event.key.kind}/${event.key.namespace}/${event.key.name}`;
    if (healthy.has(event.state)) {
      const fields = drifted.get(id);
      if (fields !== undefined) {
        drifted.delete(id);
        return { type: 'Normal', reason: 'Healed', message: `repaired ${fields}` };
      }
    }
    if (event.state === 'deleted') drifted.delete(id);
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- most events are not shown
    switch (event.type) {
      case 'DriftObserved': {
        const fields = fieldsOf(event.data.drift);
        if (event.state !== 'deleted') drifted.set(id, fields);
        return { type: 'Warning', reason: 'DriftObserved', message: `the kernel differs in ${fields}; repairing` };
      }
      case 'LinkCreated':
      case 'LinkAdopted':
      case 'LinkMoved':
      case 'LinkRemoved':
        return { type: 'Normal', reason: event.type, message: eventWords(event) };
      case 'OperationFailed':
        return { type: 'Warning', reason: event.type, message: eventWords(event) };
      default:
        return undefined;
    }
  };
}

function fieldsOf(drift: readonly Drift[]): string {
  return [...new Set(drift.map(({ field }) => field))].toSorted().join(', ') || 'its link';
}
