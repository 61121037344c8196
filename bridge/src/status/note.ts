import type { EventNote } from '../kube/recorder.ts';
import { readyOf } from './status.ts';
import type { WithConditions } from './status.ts';

/** On the way to something that will be told, or told better from the event log. */
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
 * What a person reading `kubectl describe` wants to know of a change of status: that Ready became something else, or is
 * so for another reason. Drift and its repair are told from the event log, which misses none.
 */
export function noteOf(before: WithConditions | undefined, after: WithConditions): EventNote | undefined {
  const is = readyOf(after);
  const was = readyOf(before);
  if (is === undefined || passing.has(is.reason)) return undefined;
  if (was?.status === is.status && (was.reason === is.reason || is.status === 'True')) return undefined;
  // Repaired: that was told as such.
  if (is.status === 'True' && was?.reason === 'Drifted') return undefined;
  const deleting = is.reason === 'Deleting' || is.reason === 'Deleted';
  return { type: is.status === 'True' || deleting ? 'Normal' : 'Warning', reason: is.reason, message: is.message };
}
