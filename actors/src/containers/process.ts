/** Follows the netns of one process until the process ends. */
import { every } from '@ifactor/common';
import type { Clock } from '@ifactor/common';
import { lost, type LostReason, type Source, type Where } from './place.ts';
import { ProcessHandle } from './processHandle.ts';

/**
 * /proc tells of no change, a pidfd can be waited for only by `poll`, which Node offers for no foreign descriptor, and a
 * thread per process to block in it costs more than this look (10 µs).
 */
const lookEveryMs = 500;

/** Why a process with the number is not the one that is meant; null: it is the one. */
export type Mistaken = (handle: ProcessHandle) => LostReason | null;

/** Another process that gets the number later is not followed. */
export function followProcess(
  pid: number,
  clock: Clock,
  tell: (where: Where) => void,
  mistaken: Mistaken = () => null,
): Source {
  let handle: ProcessHandle | null = null;
  let ended = false;
  let last: string | undefined;

  const release = (): void => {
    handle?.close();
    handle = null;
  };

  const look = (): Where => {
    if (!ended && !handle) {
      handle = ProcessHandle.open(pid);
      const mistake = handle && mistaken(handle);
      if (mistake !== null) {
        release();
        return lost(mistake, { pid });
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
    const where = look();
    const text = JSON.stringify(where);
    if (text === last && !force) return;
    last = text;
    if (ended) stopLooking();
    tell(where);
  };

  const stopLooking = every(clock, lookEveryMs, () => check(false));
  const soon = setImmediate(() => check(true));
  return {
    again: () => check(true),
    stop() {
      stopLooking();
      clearImmediate(soon);
      release();
    },
  };
}
