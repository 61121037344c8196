import type { Observed } from '@ifactor/crds';
import { hasDevice } from './rules.ts';
import type { Difference } from './rules.ts';

/** Names of the links that are to be enslaved to a link, in its netns; the list is exhaustive. */
type Enslaving = {
  /** Kind of the upper link. */
  kind: string;
  /** Name of the upper link. */
  name: string;
  wanted: readonly string[];
};

/**
 * The difference of a link and its slaves, from that of the link alone. Waits for a slave that does not exist yet, and for one that is enslaved to a link
 * of another resource, until that releases it: otherwise the two resources would take it from each other for ever.
 */
export function withSlaves(result: Difference, { kind, name, wanted }: Enslaving, observed: Observed): Difference {
  if (result.conflict) return result;
  const { drift, operations, waiting } = result;
  const found = observed.links.target;
  // A recreated link has no slaves.
  const anew = operations.some(({ type }) => type === 'RemoveLink');
  const enslaved = new Set(anew ? [] : found?.slaves);
  const listed = new Set(wanted);
  for (const slave of wanted) {
    if (!hasDevice(observed, slave)) {
      waiting.push({ reason: 'SlaveMissing', params: { slave, upper: kind } });
    }
  }
  const taken = observed.taken ?? {};
  for (const [slave, { master, owner }] of Object.entries(taken)) {
    waiting.push({ reason: 'SlaveTaken', params: { slave, upper: kind, master, owner } });
  }
  for (const slave of [...enslaved].filter((one) => !listed.has(one))) {
    drift.push({ field: `${kind}.slaves`, wanted: null, found: slave });
    operations.push({ type: 'ReleaseSlave', slot: 'target', name, slave });
  }
  for (const slave of wanted.filter(
    (one) => hasDevice(observed, one) && !enslaved.has(one) && !Object.hasOwn(taken, one),
  )) {
    drift.push({ field: `${kind}.slaves`, wanted: slave, found: null });
    operations.push({ type: 'AttachSlave', slot: 'target', name, slave });
  }
  return result;
}
