import { describe, expect, test } from 'vitest';
import { states } from '@ifactor/crds';
import type { State } from '@ifactor/crds';
import { arrows, groupsOf, leads, leafOf, successors, valueOf } from './arrows.ts';
import { machine } from './machine.ts';
import { findings, isHealthy } from './verdict.ts';
import type { Finding } from './verdict.ts';

const waits: readonly Finding[] = ['secretMissing', 'placeLost', 'nameTaken', 'deviceMissing', 'changesWithheld'];
const fails: readonly Finding[] = ['specRefused', 'operationRefused', 'nothingToRollBackTo'];
const again: readonly Finding[] = ['lookupsAsked', 'secretMissing', 'placeLost', 'changesWithheld'];
const ends = { deleting: ['deletionAsked'], deleted: ['linksGone'] } as const;
const done = { configured: ['operationsDone'], 'moved-to-netns': ['operationsDoneInNetns'] } as const;

/** Where each state leads, and by what is found. */
const law: Record<State, Partial<Record<State, readonly Finding[]>>> = {
  pending: { creating: ['needsMet'], ...done, failed: fails, ...ends },
  creating: { ...done, pending: waits, failed: fails, ...ends },
  configured: {
    'moved-to-netns': [],
    drifted: ['kernelDiffers'],
    creating: ['needsMet', 'lookedUpAgain'],
    pending: waits,
    failed: fails,
    ...ends,
  },
  'moved-to-netns': {
    configured: [],
    drifted: ['kernelDiffers'],
    creating: ['needsMet', 'lookedUpAgain'],
    pending: waits,
    failed: fails,
    ...ends,
  },
  drifted: { ...done, creating: ['needsMet', 'lookedUpAgain'], pending: waits, failed: fails, ...ends },
  failed: { ...done, creating: ['retryDue'], drifted: ['kernelDiffers'], pending: waits, ...ends },
  deleting: {
    deleted: ['linksGone'],
    pending: [...again, 'nameTaken'],
    failed: ['specRefused', 'nothingToRollBackTo'],
  },
  deleted: { deleting: ['deletionAsked'], pending: again, failed: ['specRefused'] },
};

const triples = (from: State): string[] =>
  Object.entries(law[from]).flatMap(([to, guards]) => guards.map((guard) => `${from} ${guard} ${to}`));

describe.each(states.map((state) => [state] as const))('%s', (state) => {
  test('leads where the law of the lifecycle says, and nowhere else', () => {
    const own = arrows.filter(({ from }) => from === state);
    const found = own.flatMap(({ from, to, guards }) => guards.map((guard) => `${from} ${guard} ${to}`));
    expect(found.toSorted()).toEqual(triples(state).toSorted());
    expect(own.map(({ to }) => to)).toEqual(successors[state]);
    expect(new Set(own.map(({ to }) => to)).size).toBe(own.length);
    const known = new Set(triples(state));
    for (const finding of Object.keys(findings) as Finding[])
      for (const to of states) expect(leads(state, finding, to)).toBe(known.has(`${state} ${finding} ${to}`));
  });

  test('is spelled by XState and read again', () => {
    expect(leafOf(valueOf(state))).toBe(state);
  });
});

test('each arrow is taken by what stands for its state', () => {
  for (const { to, guards } of arrows) for (const guard of guards) expect(findings[guard]).toBe(to);
  const unused = (Object.keys(findings) as Finding[]).filter(
    (name) => !arrows.some(({ guards }) => guards.includes(name)),
  );
  // With these a state stays what it is, or is that of the beginning.
  expect(unused).toEqual(['nothingDeclared', 'paused']);
});

test.each<[state: State, groups: string[], value: unknown]>([
  ['pending', ['alive'], { alive: 'pending' }],
  ['creating', ['alive'], { alive: 'creating' }],
  ['configured', ['alive', 'healthy'], { alive: { healthy: 'configured' } }],
  ['moved-to-netns', ['alive', 'healthy'], { alive: { healthy: 'moved-to-netns' } }],
  ['drifted', ['alive'], { alive: 'drifted' }],
  ['failed', ['alive'], { alive: 'failed' }],
  ['deleting', ['ending'], { ending: 'deleting' }],
  ['deleted', ['ending'], { ending: 'deleted' }],
])('%s is in its groups', (state, groups, value) => {
  expect(groupsOf(state)).toEqual(groups);
  expect(valueOf(state)).toEqual(value);
  expect(isHealthy(state)).toBe(groups.includes('healthy'));
});

test('what is no state is refused', () => {
  expect(() => leafOf('resting')).toThrow(new TypeError('the statechart has no state "resting"'));
  expect(() => leafOf({ alive: {} })).toThrow(new TypeError('the statechart has no state {"alive":{}}'));
  expect(groupsOf('resting' as State)).toEqual([]);
});

test('XState starts where nothing is known, and each state says what the interface is or waits for', () => {
  expect(machine.id).toBe('interface');
  expect(machine.root.initial.target).toMatchObject([{ key: 'alive' }]);
  const { alive, ending } = machine.root.states;
  expect([alive?.initial.target, alive?.states['healthy']?.initial.target, ending?.initial.target]).toMatchObject([
    [{ key: 'pending' }],
    [{ key: 'configured' }],
    [{ key: 'deleting' }],
  ]);
  const said = states.map((state) => {
    const node = machine.getStateNodeById(state);
    return `${node.key} ${node.description ?? ''}`;
  });
  expect(said).toEqual([
    'pending waits for something it needs',
    'creating is being made in the kernel',
    'configured is as declared, in the home netns',
    'moved-to-netns is as declared, in its container',
    'drifted differs from what is declared and is being repaired',
    'failed cannot proceed until the spec changes, or waits before it retries',
    'deleting is being removed',
    'deleted is gone',
  ]);
});
