import type { Netns } from '../kernel/index.ts';
import { isMark } from '../interface/diff/mark.ts';

/** Maps a mark to the followed netns that have links with it: one lookup, however many netns there are. */
export type MarkIndex = {
  /** Follows a netns until `leave`. */
  join(netns: Netns): void;
  leave(netns: Netns): void;
  /** Where links with this mark are. */
  places(mark: string): Iterable<Netns>;
  /** How many marks are known. */
  readonly size: number;
};

export function createMarkIndex(): MarkIndex {
  /** For each mark, how many links of each netns have it. */
  const byMark = new Map<string, Map<Netns, number>>();
  const joined = new Map<Netns, { marks: Map<number, string>; stop: () => void }>();

  function count(mark: string, netns: Netns, by: 1 | -1): void {
    const places = byMark.get(mark) ?? new Map<Netns, number>();
    const links = (places.get(netns) ?? 0) + by;
    if (links > 0) byMark.set(mark, places.set(netns, links));
    else if (places.delete(netns) && places.size === 0) byMark.delete(mark);
  }

  function see(netns: Netns, marks: Map<number, string>, index: number): void {
    const link = netns.linkAt(index);
    const now = link && link.kind !== '' && isMark(link.alias) ? link.alias : undefined;
    const before = marks.get(index);
    if (now === before) return;
    if (before !== undefined) count(before, netns, -1);
    if (now === undefined) {
      marks.delete(index);
      return;
    }
    marks.set(index, now);
    count(now, netns, 1);
  }

  return {
    join(netns) {
      const marks = new Map<number, string>();
      for (const { index } of netns.links()) see(netns, marks, index);
      const stop = netns.subscribe((change) => {
        if ('index' in change) see(netns, marks, change.index);
      });
      joined.set(netns, { marks, stop });
    },
    leave(netns) {
      const known = joined.get(netns);
      known?.stop();
      for (const mark of known?.marks.values() ?? []) count(mark, netns, -1);
      joined.delete(netns);
    },
    places: (mark) => byMark.get(mark)?.keys() ?? [],
    get size() {
      return byMark.size;
    },
  };
}
