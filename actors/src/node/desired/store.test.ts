import type { Desired } from '@ifactor/crds';
import { beforeEach, expect, test } from 'vitest';
import { testLog } from '../../testing/log.ts';
import { DesiredStore } from './store.ts';

const message = (generation: number): Desired => ({ generation }) as Desired;

let journal: Map<string, Desired>;
let writes: string[];
let failing: boolean;
let store: DesiredStore;
let lines: ReturnType<typeof testLog>['lines'];
beforeEach(() => {
  journal = new Map([['a', message(1)]]);
  [writes, failing] = [[], false];
  const attempt = (what: string): void => {
    writes.push(what);
    if (failing) throw new Error('the disk is full');
  };
  const { log, lines: written } = testLog();
  lines = written;
  store = new DesiredStore(
    {
      allDesired: () => new Map(journal),
      putDesired: (id, desired) => {
        attempt(`put ${id}`);
        journal.set(id, desired);
      },
      deleteDesired: (id) => {
        attempt(`delete ${id}`);
        journal.delete(id);
      },
    },
    log,
  );
});

test('what the journal holds is known, and what is put is in both', () => {
  expect([store.get('a'), store.get('b'), store.all()]).toEqual([message(1), undefined, [message(1)]]);
  store.put('b', message(2));
  expect([store.get('b'), journal.get('b'), store.all()]).toEqual([message(2), message(2), [message(1), message(2)]]);
  store.delete('a');
  expect([store.get('a'), [...journal.keys()], lines]).toEqual([undefined, ['b'], []]);
});

test('the same again is not written', () => {
  store.put('a', message(1));
  expect(writes).toEqual([]);
  store.put('a', message(2));
  expect(writes).toEqual(['put a']);
});

test('what could not be written is written later: the last of each, and nothing else; said once', () => {
  failing = true;
  store.put('a', message(2));
  store.put('b', message(1));
  store.delete('b');
  expect(lines).toEqual([['error', 'failed to store the desired state; retrying', { error: 'the disk is full' }]]);
  writes = [];
  store.settle();
  expect(writes).toEqual(['put a', 'delete b']);
  failing = false;
  writes = [];
  store.settle();
  expect([writes, journal]).toEqual([['put a', 'delete b'], new Map([['a', message(2)]])]);
  store.settle();
  expect(writes).toHaveLength(2);
  expect(lines).toHaveLength(1);
});

test('what could not be written is written with the next message', () => {
  failing = true;
  store.put('a', message(2));
  failing = false;
  store.put('a', message(3));
  writes = [];
  store.settle();
  expect([writes, journal.get('a')]).toEqual([[], message(3)]);
});
