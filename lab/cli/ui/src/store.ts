import { useSyncExternalStore } from 'react';

/** A value that components watch a part of: only those re-render whose part changed. */
export type PageStore<T extends object> = {
  get: () => T;
  /** Sets the fields that differ; listeners are not called if none does. */
  set: (fields: Partial<T>) => void;
  subscribe: (listener: () => void) => () => void;
};

export function createStore<T extends object>(initial: T): PageStore<T> {
  let state = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => state,
    set(fields) {
      const names = Object.keys(fields) as (keyof T)[];
      if (names.every((name) => Object.is(state[name], fields[name]))) return;
      state = { ...state, ...fields };
      for (const listener of listeners) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** The part of a store that a component shows; `part` must give the same object for the same state. */
export const usePart = <T extends object, P>(store: PageStore<T>, part: (state: T) => P): P =>
  useSyncExternalStore(store.subscribe, () => part(store.get()));
