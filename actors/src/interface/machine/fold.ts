import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { createActor } from 'xstate';
import type { Drift, InterfaceEvent, Key, Observed, Operation, State } from '@ifactor/crds';
import { leads, leafOf, valueOf } from './arrows.ts';
import { initialContext } from './context.ts';
import type { Context } from './context.ts';
import { differenceOf, rulesIn } from './difference.ts';
import { learn } from './learn.ts';
import { machine } from './machine.ts';
import { isHealthy } from './verdict.ts';

/** The state of an actor: the fold of its events. */
export type Snapshot = { readonly value: State; readonly context: Context };

/** The statechart has no transition for the decision: a defect of `decide` or of the chart. */
export class TransitionError extends Error {
  override name = 'TransitionError';

  constructor(from: State, { state, finding }: Context['verdict']) {
    super(`the statechart has no way from ${from} to ${state} by ${finding}`);
  }
}

/** The snapshot of an actor that has received no event. */
export const initial = (key: Key): Snapshot => ({ value: 'pending', context: initialContext(key) });

// One scope serves every step: the machine spawns nothing and sends nothing, so the scope is never written to.
const nobody: Key = { kind: 'none', namespace: 'none', name: 'none' };
const scope = createActor(machine, { input: { key: nobody } }) as unknown as Parameters<typeof machine.transition>[2];

/**
 * One step through the statechart, as any XState runtime would take it.
 * @throws TransitionError
 */
export function step({ value, context }: Snapshot, event: InterfaceEvent): Snapshot {
  const before = machine.resolveState({ value: valueOf(value), context });
  const after = machine.transition(before, event, scope);
  const state = leafOf(after.value);
  if (state !== after.context.verdict.state) throw new TransitionError(value, after.context.verdict);
  return { value: state, context: after.context };
}

/**
 * One step: the actor after an event, and what it asks its runner to do. Pure. The compiled form of the statechart: XState comes to
 * the same (`step`), ten times slower.
 * @throws TransitionError
 */
export function fold(
  { value, context: before }: Snapshot,
  event: InterfaceEvent,
): { snapshot: Snapshot; operations: readonly Operation[] } {
  const context = learn(before, event);
  const { state, finding } = context.verdict;
  if (state !== value && !leads(value, finding, state)) throw new TransitionError(value, context.verdict);
  return { snapshot: { value: state, context }, operations: context.operations };
}

/**
 * One step along a log that a later version of the machine wrote: it says what this one understands of it. Unknown events
 * are ignored, and transitions that this statechart lacks are accepted.
 */
export function foldLater({ context: before }: Snapshot, event: InterfaceEvent): ReturnType<typeof fold> {
  const context = learn(before, event);
  return { snapshot: { value: context.verdict.state, context }, operations: context.operations };
}

export { freeze, thaw } from './stored.ts';

export const stateOf = (snapshot: Snapshot): State => snapshot.value;

const blank: Record<string, unknown> = initialContext(nobody);

/**
 * A digest of a snapshot: equal for the live actor and for the fold of its log. Fields with their initial value
 * are left out, so that old digests stay valid when a later version adds fields.
 */
export function hashOf({ value, context }: Snapshot): string {
  const known = Object.entries({ ...context, operations: [] }).filter(
    ([name, field]) => !isDeepStrictEqual(field, blank[name]),
  );
  return createHash('sha256')
    .update(JSON.stringify(sorted({ value, context: Object.fromEntries(known) })))
    .digest('hex')
    .slice(0, 32);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}

/** Drift that a fresh look shows of an interface that was healthy, or is being repaired; empty: none, or it was neither. */
export function driftIn({ value, context }: Snapshot, observed: Observed): readonly Drift[] {
  const known = isHealthy(value) || value === 'drifted';
  if (!known || !context.settled || context.deletion) return [];
  const rules = rulesIn(context);
  return (rules && differenceOf({ ...context, observed }, rules)?.drift) ?? [];
}
