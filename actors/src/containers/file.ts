/** Follows a netns by the file that it is mounted on: `/run/netns/NAME`, or any path. */
import { statfsSync, statSync } from 'node:fs';
import { watchPath } from './watchPath.ts';
import { codeOf, every } from '@ifactor/common';
import type { Clock } from '@ifactor/common';
import { lost, type LostReason, type NetnsWatch, type NetnsLocation } from './location.ts';
import { RetryTimer } from './retryTimer.ts';

const NSFS_MAGIC = 0x6e736673;
/** An unmount causes no event. */
const lookEveryMs = 1000;
/** Over half a second after each event. */
const settlingLooks = 10;

export type FileTarget = {
  path: string;
  /** Reason for there being no netns: at first, and after there was one. */
  absent: LostReason;
  gone: LostReason;
};

export function followFile(
  { path, absent, gone }: FileTarget,
  clock: Clock,
  report: (location: NetnsLocation) => void,
): NetnsWatch {
  let known: NetnsLocation | undefined;
  let seen = false;
  // `ip netns add` makes the file first and mounts the netns on it a moment later; the mount itself is no event.
  const settling = new RetryTimer(clock, { first: 1, most: 256 });

  const look = (): NetnsLocation => {
    try {
      const { ino } = statSync(path);
      if (statfsSync(path).type !== NSFS_MAGIC) return lost('NotANetns', { path });
      return { path, id: String(ino) };
    } catch (error) {
      const code = codeOf(error);
      if (code === 'EACCES' || code === 'EPERM') return lost('Forbidden', { path });
      return lost(seen ? gone : absent, { path });
    }
  };

  const check = (force: boolean, settled = true): void => {
    const location = look();
    // A plain file may become a netns in a moment: no news if there was no netns before.
    if (!settled && 'lost' in location && known && 'lost' in known) return;
    if (!force && JSON.stringify(location) === JSON.stringify(known)) return;
    known = location;
    seen ||= 'path' in location;
    report(location);
  };

  const settle = (looks: number): void => {
    check(false, looks <= 1);
    if (looks > 1) settling.schedule(() => settle(looks - 1));
  };
  const changed = (): void => {
    settling.reset();
    settle(settlingLooks);
  };

  const unwatch = watchPath(path, changed);
  const stopLooking = every(clock, lookEveryMs, () => check(false));
  const soon = setImmediate(() => check(true));
  return {
    recheck: () => check(true),
    stop() {
      unwatch();
      stopLooking();
      clearImmediate(soon);
      settling.reset();
    },
  };
}
