import { createHash } from 'node:crypto';
import { createActor } from 'xstate';
import type { SnapshotFrom } from 'xstate';
import type { Drift, InterfaceEvent, Key, Observed, Operation, State } from '@ifactor/crds';
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

/**
 * One step: the actor after an event, and what it asks its runner to do. Pure. An event that leaves the state as it is only
 * teaches the actor something, so the statechart is walked where the state changes; the result is the same as `step`'s.
 */
export function fold(snapshot: Snapshot, event: InterfaceEvent): { snapshot: Snapshot; operations: readonly Operation[] } {
  const context = learn(snapshot.context, event);
  const stays = context.verdict.state === snapshot.value;
  const next = stays ? { ...snapshot, context } : step(snapshot, event);
  return { snapshot: next, operations: next.context.operations };
}

export const stateOf = (snapshot: Snapshot): State => snapshot.value;

/** Everything of a snapshot that is worth keeping, as plain JSON. */
export const freeze = (snapshot: Snapshot): { value: State; context: Context } => ({
  value: snapshot.value,
  context: { ...snapshot.context, operations: [] },
});

/** The snapshot that `freeze` wrote. */
export const thaw = (frozen: { value: State; context: Context }): Snapshot =>
  machine.resolveState({ value: frozen.value, context: frozen.context });

/** A digest of a snapshot: equal for the live actor and for the fold of its log. */
export const hashOf = (snapshot: Snapshot): string =>
  createHash('sha256').update(JSON.stringify(sorted(freeze(snapshot)))).digest('hex').slice(0, 32);

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
