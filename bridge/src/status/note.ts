import type { EventNote } from '../kube/recorder.ts';
import { readyOf } from './status.ts';
import type { WithConditions } from './status.ts';

/** Intermediate states: a later state, or the event log, reports them. */
const passing = new Set([
  'Pending',
  'Unknown',
  'Observing',
  'Creating',
  'Confirming',
  'AddressTentative',
  'Drifted',
  'Paused',
  'PublicKeyUnknown',
  'InterfacesNotReady',
]);

/**
 * The note that `kubectl describe` shows for a change of status: Ready has another status or another reason. Drift and its
 * repair come from the event log, which is complete.
 */
export function noteOf(before: WithConditions | undefined, after: WithConditions): EventNote | undefined {
  const is = readyOf(after);
  const was = readyOf(before);
  if (is === undefined || passing.has(is.reason)) return undefined;
  if (was?.status === is.status && (was.reason === is.reason || is.status === 'True')) return undefined;
  // Repaired: the event log reports that.
  if (is.status === 'True' && was?.reason === 'Drifted') return undefined;
  const deleting = is.reason === 'Deleting' || is.reason === 'Deleted';
  return { type: is.status === 'True' || deleting ? 'Normal' : 'Warning', reason: is.reason, message: is.message };
}
