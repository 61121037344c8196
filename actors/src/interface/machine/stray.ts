import type { EventData, Observed } from '@ifactor/crds';
import type { Context } from './context.ts';

/** A link with the mark of an actor, where none belongs, that the kernel refused to remove. */
export type StrayLeft = Pick<EventData['StrayLeft'], 'netns' | 'index' | 'name' | 'message'>;

type Place = { netns: string; index: number };
const isSame = (a: Place, b: Place): boolean => a.netns === b.netns && a.index === b.index;

/** A stray could not be removed: it is left alone until the agent starts again, or somebody asks for a resync. */
export function strayLeft(context: Context, { netns, index, name, message }: EventData['StrayLeft']): Context {
  const others = (context.left ?? []).filter((one) => !isSame(one, { netns, index }));
  return { ...context, left: [...others, { netns, index, name, message }] };
}

/** Strays are removed again. */
export function retryingStrays(context: Context): Context {
  const { left: _, ...rest } = context;
  return rest;
}

/** Strays that are to be removed. */
export const removableStrays = ({ left }: Pick<Context, 'left'>, { strays }: Observed): Observed['strays'] =>
  left ? strays.filter((stray) => !left.some((one) => isSame(one, stray))) : strays;

/** Strays that are left alone and still there. */
export const straysLeft = ({ left = [], observed }: Pick<Context, 'left' | 'observed'>): readonly StrayLeft[] =>
  left.filter((one) => observed?.strays.some((stray) => isSame(one, stray)) ?? true);
