import { expect, test } from 'vitest';
import type { Observed } from '@ifactor/crds';
import { after, bridgeLink, bridgeMark, declared, looked, resolved, seen, told } from '../../testing/given.ts';
import type { Given } from '../../testing/given.ts';
import { verdictWords } from '../words/verdict.ts';

const stray = { netns: '7', index: 9, name: 'old' };
const withStray = (operations?: string): Given => {
  const observed: Observed = { ...seen(bridgeLink), strays: [stray] };
  return ['LinkObserved', { observed, ...(operations === undefined ? {} : { operations }) }];
};
const message = 'cannot delete old: in use (EBUSY)';
const leftThere: Given = ['StrayLeft', { operations: 'round-1', ...stray, code: 'EBUSY', message }];
const life = [declared(), resolved, withStray(), leftThere, withStray('round-1')];
const note =
  'link old in netns 7 has the mark of this object and does not belong there; cannot delete old: in use (EBUSY); left as it is: delete it by hand, or clear its alias';

test('a stray that cannot be removed is a note of a healthy interface, and is not tried again and again', () => {
  expect(after(...life.slice(0, 3)).operations).toEqual([
    { type: 'Perform', id: 'round-1', operations: [{ type: 'RemoveStray', ...stray, mark: bridgeMark }] },
  ]);
  const now = after(...life);
  expect(told(now)).toBe('configured True Configured');
  expect(now.operations).toEqual([]);
  expect(verdictWords(now.snapshot.context)).toBe(`in the node's netns, as declared (${note})`);
});

test('the note ends with the stray', () => {
  expect(verdictWords(after(...life, looked(bridgeLink)).snapshot.context)).toBe("in the node's netns, as declared");
});

test('a deletion does not wait for it, and names it at its end', () => {
  const deletion: Given = ['DeletionRequested', { uid: 'u1', resourceVersion: '2', gone: false }];
  const gone = after(...life, deletion, [
    'LinkObserved',
    { observed: { links: { target: null }, strays: [stray], devices: {} } },
  ]);
  expect(gone.snapshot.value).toBe('deleted');
  expect(verdictWords(gone.snapshot.context)).toBe(`removed from the kernel (${note})`);
});

test('it is tried again when somebody asks, and by the next agent', () => {
  for (const again of [
    [['ResyncRequested', { by: 'test' }]],
    [['AgentStarted', { version: 'test' }], resolved],
  ] as Given[][]) {
    const { operations } = after(...life, ...again, withStray());
    expect(operations).toMatchObject([{ type: 'Perform', operations: [{ type: 'RemoveStray', name: 'old' }] }]);
  }
});
