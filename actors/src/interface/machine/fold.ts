import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { createActor } from 'xstate';
import type { SnapshotFrom } from 'xstate';
import type { Drift, InterfaceEvent, Key, Observed, Operation, State } from '@ifactor/crds';
import { initialContext } from './context.ts';
import type { Context } from './context.ts';
import { differenceOf, driverIn } from './decide.ts';
import { healthyStates, learn } from './learn.ts';
import { machine } from './machine.ts';

/** An actor at rest: fold its events and you have it. */
export type Snapshot = SnapshotFrom<typeof machine>;

// One scope serves every fold: the machine spawns nothing and sends nothing, so the scope is never written to. Making a
// scope per step, as `transition()` does, costs several times the step itself.
const nobody: Key = { kind: 'none', namespace: 'none', name: 'none' };
const scope = createActor(machine, { input: { key: nobody } }) as unknown as Parameters<typeof machine.transition>[2];

/** An actor that has heard nothing yet. */
export const initial = (key: Key): Snapshot => machine.getInitialSnapshot(scope, { key });

/** One step through the statechart, as any XState runtime would take it. */
export const step = (snapshot: Snapshot, event: InterfaceEvent): Snapshot => machine.transition(snapshot, event, scope);

// A snapshot for each state that was reached, by the state before and the one decided: the guards look at nothing else, so
// the statechart is walked once for each pair, and remembered.
const reached = new Map<string, Snapshot>();

function reach(snapshot: Snapshot, event: InterfaceEvent, decided: State): Snapshot {
  const pair = `${snapshot.value} ${decided}`;
  let found = reached.get(pair);
  if (!found) reached.set(pair, (found = step(snapshot, event)));
  return found;
}

/**
 * One step: the actor after an event, and what it asks its runner to do. Pure. Any XState runtime would come to the same
 * (`step`), ten times slower.
 */
export function fold(
  snapshot: Snapshot,
  event: InterfaceEvent,
): { snapshot: Snapshot; operations: readonly Operation[] } {
  const context = learn(snapshot.context, event);
  const { state } = context.verdict;
  const next = { ...(state === snapshot.value ? snapshot : reach(snapshot, event, state)), context };
  return { snapshot: next, operations: context.operations };
}

export const stateOf = (snapshot: Snapshot): State => snapshot.value;

/** Everything of a snapshot that is worth keeping, as plain JSON. */
export const freeze = (snapshot: Snapshot): { value: State; context: Context } => ({
  value: snapshot.value,
  context: { ...snapshot.context, operations: [] },
});

const blank: Record<string, unknown> = initialContext(nobody);

/** The snapshot that `freeze` wrote. One of a version that knew less has the initial values of what came later. */
export const thaw = (frozen: { value: State; context: Context }): Snapshot =>
  machine.resolveState({ value: frozen.value, context: { ...initialContext(frozen.context.key), ...frozen.context } });

/**
 * A digest of a snapshot: equal for the live actor and for the fold of its log. What is as in an actor that has heard
 * nothing is left out, so that old digests hold when a later version knows more.
 */
export function hashOf(snapshot: Snapshot): string {
  const { value, context } = freeze(snapshot);
  const known = Object.entries(context).filter(([name, field]) => !isDeepStrictEqual(field, blank[name]));
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
export function driftIn(snapshot: Snapshot, observed: Observed): readonly Drift[] {
  const { context } = snapshot;
  const known = healthyStates.includes(snapshot.value) || snapshot.value === 'drifted';
  if (!known || !context.settled || context.deletion) return [];
  const driver = driverIn(context);
  return (driver && differenceOf({ ...context, observed }, driver)?.drift) ?? [];
}
