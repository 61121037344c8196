import type { Drift, RecordedEvent } from '@ifactor/crds';
import type { EventNote } from '../kube/recorder.ts';

const healthy = new Set(['configured', 'moved-to-netns']);

/** Turns the event log into what `kubectl describe` tells. Remembers only what is drifted now. */
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
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- most events are nothing to tell
    switch (event.type) {
      case 'DriftObserved': {
        const fields = fieldsOf(event.data.drift);
        drifted.set(id, fields);
        return { type: 'Warning', reason: 'DriftObserved', message: `the kernel differs in ${fields}; repairing` };
      }
      case 'LinkCreated':
        return {
          type: 'Normal',
          reason: 'LinkCreated',
          message: `created link ${event.data.name} on node ${event.node}`,
        };
      case 'LinkAdopted':
        return {
          type: 'Normal',
          reason: 'LinkAdopted',
          message: `adopted the existing link ${event.data.name} on node ${event.node}`,
        };
      case 'LinkMoved':
        return {
          type: 'Normal',
          reason: 'LinkMoved',
          message: `moved link ${event.data.name} into its network namespace`,
        };
      case 'OperationFailed':
        return {
          type: 'Warning',
          reason: 'OperationFailed',
          message: `${event.data.operation.type}: ${event.data.message}`,
        };
      case 'LinkRemoved':
        if (event.data.anew) {
          const why = `${event.data.anew.join(', ')} cannot be changed on an existing link`;
          return {
            type: 'Normal',
            reason: 'LinkRemoved',
            message: `removed link ${event.data.name} from node ${event.node} to recreate it: ${why}`,
          };
        }
        return {
          type: 'Normal',
          reason: 'LinkRemoved',
          message: `removed link ${event.data.name} from node ${event.node}`,
        };
      default:
        return undefined;
    }
  };
}

function fieldsOf(drift: readonly Drift[]): string {
  return [...new Set(drift.map(({ field }) => field))].toSorted().join(', ') || 'its link';
}
