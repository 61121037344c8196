import { describe, expect, test } from 'vitest';
import type { InterfaceEvent } from '@ifactor/crds';
import {
  after,
  bridgeKey,
  bridgeLink as link,
  declared,
  looked,
  resolved,
  seen,
  tell,
  timeAt,
} from '../../testing/given.ts';
import { eventOf } from '../../testing/known.ts';
import { driftIn, fold, foldLater, hashOf, initial, stateOf, step, TransitionError } from './fold.ts';
import type { Snapshot } from './fold.ts';

// Called in tests only: what runs while this file is loaded makes mutants slow.
const healthy = (): Snapshot => after(declared(), resolved, looked(link)).snapshot;
const narrow = { ...link, mtu: 1300 };
const drift = [{ field: 'mtu', wanted: 1400, found: 1300 }];
const drifted = eventOf(['DriftObserved', { observed: seen(narrow), drift }]);
/** The same, in a state from which what was decided has no way. */
const astray = (): Snapshot => ({ ...healthy(), value: 'pending' });

describe('a step', () => {
  test('leads to the state that was decided, through the statechart as through its compiled form', () => {
    const { snapshot, operations } = fold(healthy(), drifted);
    expect(stateOf(snapshot)).toBe('drifted');
    expect(operations).toMatchObject([{ type: 'Perform' }]);
    expect(snapshot.context.operations).toBe(operations);
    expect(step(healthy(), drifted)).toEqual(snapshot);
    expect(step(initial(bridgeKey), eventOf(declared()))).toEqual(after(declared()).snapshot);
  });

  test('forgets through the statechart, too, what is no longer known', () => {
    const { snapshot } = fold(healthy(), drifted);
    const known = { ...snapshot, context: { ...snapshot.context, outdated: true as const } };
    const done = step(known, eventOf(looked(link, 'round-1')));
    expect(done.context.outdated).toBeUndefined();
    expect(done).toEqual(fold(known, eventOf(looked(link, 'round-1'))).snapshot);
  });

  test.each([
    ['through the statechart', (event: InterfaceEvent): unknown => step(astray(), event)],
    ['through its compiled form', (event: InterfaceEvent): unknown => fold(astray(), event)],
  ])('that the statechart lacks is refused %s, and named', (_, take) => {
    expect(() => take(drifted)).toThrow(TransitionError);
    expect(() => take(drifted)).toThrow(
      expect.objectContaining({
        name: 'TransitionError',
        message: 'the statechart has no way from pending to drifted by kernelDiffers',
      }) as Error,
    );
  });

  test('along the log of a later version takes any way', () => {
    expect(foldLater(astray(), drifted)).toEqual(fold(healthy(), drifted));
  });
});

describe('a digest', () => {
  test('is of the state and all that is known, whatever the order of fields', () => {
    const { context } = healthy();
    const turned = Object.fromEntries(Object.entries(context).toReversed()) as typeof context;
    expect(hashOf({ value: 'configured', context: turned })).toBe(hashOf(healthy()));
    expect(hashOf(healthy())).toMatch(/^[0-9a-f]{32}$/);
    const hashes = [
      healthy(),
      { ...healthy(), value: 'drifted' as const },
      { ...healthy(), context: { ...context, listenPort: 1 } },
    ].map(hashOf);
    expect(new Set(hashes).size).toBe(3);
  });

  test('leaves out what has its initial value, and what was asked of the runner', () => {
    const { context } = healthy();
    const { listenPort: _, ...less } = context;
    expect(hashOf({ ...healthy(), context: less as typeof context })).toBe(hashOf(healthy()));
    expect(hashOf({ ...healthy(), context: { ...context, operations: [{ type: 'Observe' }] } })).toBe(
      hashOf(healthy()),
    );
  });

  test('of the same knowledge is the same in every version', () => {
    expect(hashOf(initial(bridgeKey))).toBe('5e7d21c393646ade8b1370a1a320effc');
  });
});

describe('drift that a look shows', () => {
  test.each<[what: string, snapshot: () => Snapshot, fields: string[]]>([
    ['of an interface as declared', healthy, ['mtu']],
    ['of one that is being repaired', () => fold(healthy(), drifted).snapshot, ['mtu']],
    ['of none that is being made', () => after(declared(), resolved, looked(null)).snapshot, []],
    [
      'of none that was not yet as declared',
      () => ({ ...healthy(), context: { ...healthy().context, settled: false } }),
      [],
    ],
    ['of none in another state', () => ({ ...healthy(), value: 'creating' }), []],
    [
      'of none that is being deleted',
      () => ({
        ...healthy(),
        context: { ...healthy().context, deletion: { uid: 'u1', resourceVersion: '2', gone: false } },
      }),
      [],
    ],
    ['of none whose spec is unknown', () => ({ ...healthy(), context: { ...healthy().context, spec: null } }), []],
  ])('%s', (_, snapshotOf, fields) => {
    expect(driftIn(snapshotOf(), seen(narrow)).map(({ field }) => field)).toEqual(fields);
  });

  test('is empty where the kernel is as declared', () => {
    expect(driftIn(healthy(), seen(link))).toEqual([]);
  });
});

test('an end, and another object of the name', () => {
  const gone = tell(
    { snapshot: healthy(), operations: [] },
    ['DeletionRequested', { uid: 'u1', resourceVersion: '2', gone: true }],
    looked(null),
  );
  expect(stateOf(gone.snapshot)).toBe('deleted');
  const { snapshot } = tell(gone, declared(1, {}, 'u2'));
  expect([snapshot.value, snapshot.context.ready]).toEqual(['pending', { status: 'False', since: timeAt(0) }]);
});
