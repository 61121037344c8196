/** Follows the netns of one process until the process ends. */
import { every } from '@ifactor/common';
import type { Clock } from '@ifactor/common';
import { lost, type LostReason, type NetnsWatch, type NetnsLocation } from './location.ts';
import { ProcessHandle } from './processHandle.ts';

/**
 * /proc has no change events, a pidfd can only be waited for by `poll`, which Node offers for no foreign descriptor, and a
 * thread per process that blocks in it costs more than this look (10 µs).
 */
const lookEveryMs = 500;

/** Why a process with the number is not the one that is meant; null: it is the one. */
export type ProcessCheck = (handle: ProcessHandle) => LostReason | null;

/** Another process that gets the number later is not followed. */
export function followProcess(
  pid: number,
  clock: Clock,
  report: (location: NetnsLocation) => void,
  mismatch: ProcessCheck = () => null,
): NetnsWatch {
  let handle: ProcessHandle | null = null;
  let ended = false;
  let last: string | undefined;

  const release = (): void => {
    handle?.close();
    handle = null;
  };

  const look = (): NetnsLocation => {
    if (!ended && !handle) {
      handle = ProcessHandle.open(pid);
      const mismatchReason = handle && mismatch(handle);
      if (mismatchReason !== null) {
        release();
        return lost(mismatchReason, { pid });
      }
    }
    const found = handle?.netns() ?? 'ended';
    if (found === 'forbidden') return lost('Forbidden');
    if (found !== 'ended') return found;
    ended ||= handle !== null;
    release();
    return lost('ProcessNotFound', { pid });
  };

  const check = (force: boolean): void => {
    const location = look();
    const text = JSON.stringify(location);
    if (text === last && !force) return;
    last = text;
    if (ended) stopLooking();
    report(location);
  };

  const stopLooking = every(clock, lookEveryMs, () => check(false));
  const soon = setImmediate(() => check(true));
  return {
    recheck: () => check(true),
    stop() {
      stopLooking();
      clearImmediate(soon);
      release();
    },
  };
}
