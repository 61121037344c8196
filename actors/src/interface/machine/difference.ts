import type { KernelOperation, Observed } from '@ifactor/crds';
import { rulesOf, markOf } from '../kind/index.ts';
import type { Difference, KindRules } from '../kind/index.ts';
import type { Context } from './context.ts';
import { removableStrays } from './stray.ts';

/** The rules for a context whose spec has passed its schema. */
export function rulesIn(context: Context): KindRules | null {
  const found = rulesOf(context.key, context.spec);
  return 'problem' in found ? null : found.rules;
}

/** How the kernel differs from the spec, strays included; null while that is unknown. */
export function differenceOf(context: Context, rules: KindRules): Difference | null {
  const { spec, observed } = context;
  if (spec === null || observed === null) return null;
  const difference = rules.diff(spec, context, observed);
  if (difference.conflict) return difference;
  const strays = strayRemovals(context, observed);
  const { operations } = difference;
  // What is moved is made at home while its former self still works elsewhere, up to where it needs the other's UDP port.
  const moves = operations.some(({ type }) => type === 'MoveLink');
  const port = moves ? operations.findIndex(({ type }) => type === 'SetWireGuard' || type === 'MoveLink') : 0;
  const drift = removableStrays(context, observed).map(({ netns, name }) => ({
    field: 'netns',
    wanted: null,
    found: `${name} in netns ${netns}`,
  }));
  return {
    ...difference,
    drift: [...difference.drift, ...drift],
    operations: operations.toSpliced(port, 0, ...strays),
  };
}

/** Removes links with our mark from places where none belongs. */
export const strayRemovals = (
  context: Pick<Context, 'key' | 'left'>,
  observed: Observed,
): Extract<KernelOperation, { type: 'RemoveStray' }>[] =>
  removableStrays(context, observed).map(({ netns, index, name }) => ({
    type: 'RemoveStray',
    netns,
    name,
    index,
    mark: markOf(context.key),
  }));
