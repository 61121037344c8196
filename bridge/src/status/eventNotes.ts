import type { Drift, RecordedEvent } from '@ifactor/crds';
import { eventWords } from '@ifactor/crds/words';
import type { EventNote } from '../kube/recorder.ts';

const healthy = new Set(['configured', 'moved-to-netns']);

/** Converts the event log to what `kubectl describe` shows. Keeps only which interfaces are drifted now. */
export function createEventNotes(): (event: RecordedEvent) => EventNote | undefined {
  const drifted = new Map<string, string>();
  return (event) => {
    const id = `${event.key.kind}/${event.key.namespace}/${event.key.name}`;
    if (healthy.has(event.state)) {
      const fields = drifted.get(id);
      if (fields !== undefined) {
        drifted.delete(id);
        return { type: 'Normal', reason: 'Healed', message: `as declared again: ${fields}` };
      }
    }
    if (event.state === 'deleted') drifted.delete(id);
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- most events are not shown
    switch (event.type) {
      case 'DriftObserved': {
        // A paused interface keeps its state: nothing is repaired.
        if (event.state === 'drifted') drifted.set(id, fieldsOf(event.data.drift));
        const message = eventWords(event) || 'the kernel differs from what is declared';
        return { type: 'Warning', reason: event.type, message };
      }
      case 'LinkCreated':
      case 'LinkAdopted':
      case 'LinkMoved':
      case 'LinkRemoved':
        if (event.type === 'LinkRemoved' && event.data.absent) return undefined;
        return { type: 'Normal', reason: event.type, message: eventWords(event) };
      case 'OperationFailed':
      case 'StrayLeft':
        return { type: 'Warning', reason: event.type, message: eventWords(event) };
      default:
        return undefined;
    }
  };
}

function fieldsOf(drift: readonly Drift[]): string {
  return [...new Set(drift.map(({ field }) => field))].toSorted().join(', ') || 'its link';
}
