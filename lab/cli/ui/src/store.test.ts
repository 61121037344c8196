import { expect, test } from 'vitest';
import { createStore } from './store.ts';

test('listeners hear of changes, and of nothing else', () => {
  const store = createStore({ a: 1, b: 'x' });
  let heard = 0;
  const stop = store.subscribe(() => heard++);
  store.set({ a: 1 });
  expect(heard).toBe(0);
  store.set({ a: 2, b: 'x' });
  expect(store.get()).toEqual({ a: 2, b: 'x' });
  expect(heard).toBe(1);
  stop();
  store.set({ b: 'y' });
  expect(heard).toBe(1);
});

test('a state keeps its identity until something changes', () => {
  const store = createStore({ a: 1 });
  const before = store.get();
  store.set({ a: 1 });
  expect(store.get()).toBe(before);
});
