import type { KernelOperation, Slot } from '@ifactor/crds';
import { markOf } from '../kind/index.ts';
import type { KindRules } from '../kind/index.ts';
import type { Context } from './context.ts';
import { decided } from './decision.ts';
import type { Decision } from './decision.ts';
import { strayRemovals } from './difference.ts';
import type { Because, Step } from './verdict.ts';

const unknowable = new Set(['EngineUnreachable', 'Forbidden', 'TooManyLinks']);

/** Whether a reason why a place does not resolve leaves it unknown whether the netns, and links in it, still exist. */
export const isUnknowable = (reason: string): boolean => unknowable.has(reason);

type Removal = Extract<KernelOperation, { type: 'RemoveLink' | 'RemoveStray' }>;

/** Removes every link of the actor, and no other. */
export function removals(context: Context, slots: Slot[]): Removal[] {
  const { key, observed } = context;
  if (observed === null) return [];
  const mark = markOf(key);
  const links = slots.flatMap((slot) => {
    const link = observed.links[slot];
    if (link?.alias !== markOf(key, slot === 'peer' ? 'peer' : 'near')) return [];
    return [{ type: 'RemoveLink' as const, slot, name: link.name, index: link.index, mark }];
  });
  return [...links, ...strayRemovals(context, observed)];
}

/** Removes every link of the actor. `busy` is the verdict while links remain, `done` once all are gone. */
export function decideRemoval(
  context: Context,
  rules: KindRules | null,
  busy: (step: Step) => Because,
  done: Because,
): Decision {
  const { spec, places, observed, asked } = context;
  if (spec === null || rules === null) return decided(done);
  const slots = rules.places(spec).map(({ slot }) => slot);
  const unknown = slots.filter((slot) => places[slot] === undefined);
  if (unknown.length > 0)
    return decided(busy({ step: 'places' }), asked.places ? [] : [{ type: 'ResolveNetns', slots: unknown }]);
  // A netns that is gone took its links with it.
  if (!slots.some((slot) => 'netns' in (places[slot] ?? {}))) return decided(done);
  if (observed === null) return decided(busy({ step: 'look' }), asked.observe ? [] : [{ type: 'Observe' }]);
  const perform = removals(context, slots);
  if (perform.length === 0) return decided(done);
  return { ...decided(busy({ step: 'remove', names: perform.map(({ name }) => name) })), perform };
}

/** Deletes the links, even while a secret, place or device that the interface needs is missing. */
export function decideDeletion(context: Context, rules: KindRules | null): Decision {
  const { failure, places, round } = context;
  const finding = 'deletionAsked';
  if (failure !== null) return decided({ finding, reason: 'RemovalFailed' });
  const decision = decideRemoval(context, rules, (params) => ({ finding, reason: 'Deleting', params }), {
    finding: 'linksGone',
    reason: 'Deleted',
  });
  // If no operation ever ran, no link can be left.
  if (decision.because?.finding !== 'linksGone' || round === 0) return decision;
  for (const [slot, place] of Object.entries(places)) {
    if (place && 'reason' in place && isUnknowable(place.reason))
      return decided({ finding, reason: place.reason, params: { slot: slot as Slot } });
  }
  return decision;
}
