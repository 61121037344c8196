import { expect, test } from 'vitest';
import type { Context } from '../interface/machine/context.ts';
import { decide } from '../interface/machine/decide.ts';
import type { Because } from '../interface/machine/verdict.ts';
import { bridgeLink, seen } from './given.ts';
import { bridgeAs, desiredAt, knowing } from './known.ts';

/** All that the bridge needs is known, and the kernel is as declared. */
export const asDeclared = (more: Partial<Context> = {}): Context =>
  knowing({
    desired: desiredAt(4),
    spec: bridgeAs(),
    places: { target: { netns: '42' } },
    observed: seen(bridgeLink),
    ...more,
  });

/** What is known, and what follows: why, what is asked of the runner, and fields of what is to be performed; absent: nothing is. */
export type Row = [
  what: string,
  context: Context,
  because: Because | null,
  operations?: readonly object[],
  perform?: readonly object[],
];

/** A test of each decision. */
export function decides(rows: readonly Row[]): void {
  const named = rows.map((row) => [row[0], row] as const);
  test.each(named)('%s', (_, [, context, because, operations = [], perform]) => {
    const performed = perform && { perform: perform.map((fields) => expect.objectContaining(fields) as unknown) };
    expect(decide(context)).toEqual({ because, operations, ...performed });
  });
}
