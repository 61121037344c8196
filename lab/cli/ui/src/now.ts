import { every, systemClock } from '@ifactor/common';
import { useSyncExternalStore } from 'react';

const listeners = new Set<() => void>();
let now = systemClock.now();
let stop: (() => void) | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  stop ??= every(systemClock, 1000, () => {
    now = systemClock.now();
    for (const one of listeners) one();
  });
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    stop?.();
    stop = undefined;
  };
}

/** The time as text shows it: rounded down to `step` milliseconds, so that a component renders no oftener than its words change. */
export const useNow = (step = 1000): number => useSyncExternalStore(subscribe, () => Math.floor(now / step) * step);
