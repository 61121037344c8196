import type { Operation, Slot } from '@ifactor/crds';
import type { KindRules } from '../kind/index.ts';
import type { Context } from './context.ts';
import { decided } from './decision.ts';
import type { Decision } from './decision.ts';
import { removals } from './removal.ts';
import type { Because, Looking } from './verdict.ts';

/** While an answer is awaited, a healthy interface stays what it is: asking is no news. */
export function lookup(context: Context, looking: Looking, operations: Operation[]): Decision {
  if (context.settled) return decided(null, operations);
  const { state } = context.verdict;
  const begins = state === 'pending' || state === 'deleting' || state === 'deleted';
  const finding = begins ? 'lookupsAsked' : state === 'failed' ? 'retryDue' : 'lookedUpAgain';
  return decided({ finding, ...looking }, operations);
}

/** What has to be known or at hand before the kernel can be compared; null: everything is. */
export function decideNeeds(context: Context, rules: KindRules): Decision | null {
  const { spec, secrets, missing, places, taken, asked } = context;
  if (spec === null) return null;
  const refs = rules.secrets(spec).filter((ref) => secrets[ref] === undefined);
  for (const ref of refs) {
    const reason = missing[ref];
    if (reason !== undefined) return decided({ finding: 'secretMissing', reason, params: { ref } });
  }
  if (refs.length > 0) {
    const operations: Operation[] = asked.secrets ? [] : [{ type: 'ResolveSecrets', refs }];
    return lookup(context, { reason: 'WaitingForSecret', params: { refs } }, operations);
  }
  const slots = rules.places(spec).map(({ slot }) => slot);
  const unknown = slots.filter((slot) => places[slot] === undefined);
  if (unknown.length > 0) {
    const operations: Operation[] = asked.places ? [] : [{ type: 'ResolveNetns', slots: unknown }];
    return lookup(context, { reason: 'WaitingForNetns', params: { slots: unknown } }, operations);
  }
  for (const slot of slots) {
    const place = places[slot];
    if (place && 'reason' in place) return decided({ finding: 'placeLost', reason: place.reason, params: { slot } });
  }
  const [claim] = Object.values(taken);
  return claim ? decideTaken(context, slots, claim) : null;
}

/** An older object has the name: remove our link with that name. */
function decideTaken(context: Context, slots: Slot[], { name, by }: { name: string; by: string }): Decision {
  const conflict = (removed: readonly string[]): Because => ({
    finding: 'nameTaken',
    reason: 'NameConflict',
    params: { name, by, removed },
  });
  if (context.observed === null) return decided(conflict([]), context.asked.observe ? [] : [{ type: 'Observe' }]);
  const perform = removals(context, slots);
  if (perform.length === 0) return decided(conflict([]));
  return { ...decided(conflict(perform.map((operation) => operation.name))), perform };
}
