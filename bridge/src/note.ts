import type { InterfaceStatus } from '@ifactor/crds';
import { readyOf } from './status.ts';
import type { EventNote } from './kube/recorder.ts';

/** Reasons under which an interface is on its way; not worth a warning. */
const passing = new Set(['Pending', 'Unknown', 'Creating', 'Drifted', 'Deleting', 'Deleted', 'Paused']);

/**
 * What a person reading `kubectl describe` wants to know of a change of status: that Ready became something else, or is
 * so for another reason. Drift and its repair are told from the event log, which misses none.
 */
export function noteOf(before: Partial<InterfaceStatus> | undefined, after: InterfaceStatus): EventNote | undefined {
  const is = readyOf(after);
  const was = readyOf(before);
  if (is === undefined || (was?.status === is.status && was.reason === is.reason)) return undefined;
  if (is.status === 'True' && was?.status === 'True') return undefined;
  const type = is.status === 'True' || passing.has(is.reason) ? 'Normal' : 'Warning';
  return { type, reason: is.reason, message: is.message };
}
