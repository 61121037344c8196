/** Follows the netns of one process till the process ends. */
import { statSync } from 'node:fs';
import { codeOf } from '@ifactor/common';
import { readStat } from '@ifactor/common/proc';
import { lost, type Source, type Where } from './place.ts';

/**
 * /proc tells of no change, a pidfd can be waited for only by `poll`, which Node offers for no foreign descriptor, and a
 * thread per process to block in it costs more than these two reads (20 µs).
 */
const lookEvery = 500;

/**
 * A process is its number and its start time: another one that gets the number later is not followed.
 * @param label how messages name it
 */
export function followProcess(pid: number, label: string, tell: (where: Where) => void): Source {
  let start: string | undefined;
  let ended = false;
  let last: string | undefined;

  const look = (): Where => {
    const found = ended ? undefined : readProcess(pid);
    if (found === 'forbidden')
      return lost(
        'Forbidden',
        `the network namespace of ${label} may not be read: run the agent as root with CAP_SYS_PTRACE`,
      );
    if (found && (start === undefined || found.start === start)) {
      start = found.start;
      return { path: `/proc/${pid}/ns/net`, id: found.netns };
    }
    ended = start !== undefined;
    return ended
      ? lost('ProcessNotFound', `${label} has ended: select the process that replaces it`)
      : lost('ProcessNotFound', `${label} does not exist: start it, or select another`);
  };

  const check = (force: boolean): void => {
    const where = look();
    const text = JSON.stringify(where);
    if (text === last && !force) return;
    last = text;
    if (ended) clearInterval(timer);
    tell(where);
  };

  const timer = setInterval(() => check(false), lookEvery).unref();
  const soon = setImmediate(() => check(true));
  return {
    again: () => check(true),
    stop() {
      clearInterval(timer);
      clearImmediate(soon);
    },
  };
}

/** Start time in clock ticks since boot, and nsfs inode; undefined where there is no such living process. */
function readProcess(pid: number): { start: string; netns: string } | 'forbidden' | undefined {
  try {
    const stat = readStat(pid);
    return stat && { start: stat.startTime, netns: String(statSync(`/proc/${pid}/ns/net`).ino) };
  } catch (error) {
    const code = codeOf(error);
    return code === 'EACCES' || code === 'EPERM' ? 'forbidden' : undefined;
  }
}
