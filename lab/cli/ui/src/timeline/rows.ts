import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { Asks, EventRow, Filter } from '../../../src/inspector/protocol.ts';
import { heldFrom, useSession, useShown } from '../session.ts';
import { pages } from './virtual.ts';

const pageSize = 200;
/** Pages kept; the least recently fetched is dropped first. */
const kept = 40;

export type Rows = {
  total: number;
  at: (index: number) => EventRow | undefined;
  want: (first: number, count: number) => void;
};

/** The rows of a filtered log, fetched in pages on demand; grows with the log. */
export function useRows(filter: Filter): Rows {
  const { ask } = useSession();
  const length = useShown((shown) => Math.max(0, shown.live.total - heldFrom(shown)));
  const source = useShown((shown) => shown.source);
  const open = useShown(({ link }) => link.state === 'open');
  const everything = Object.keys(filter).length === 0;
  const [found, setFound] = useState({ filter, total: 0 });
  const [, setVersion] = useState(0);
  const cache = useRef({
    filter,
    source,
    pages: new Map<number, readonly EventRow[]>(),
    asked: new Set<number>(),
    window: { first: 0, count: 1, offset: 0 },
    again: false,
  });
  if (cache.current.filter !== filter || cache.current.source !== source) {
    cache.current = {
      filter,
      source,
      pages: new Map(),
      asked: new Set(),
      window: { first: 0, count: 1, offset: 0 },
      again: false,
    };
  }

  const fetchPages = useCallback(() => {
    const mine = cache.current;
    for (const page of pages(mine.window, pageSize)) {
      const rows = mine.pages.get(page);
      if (rows?.length === pageSize) continue;
      if (mine.asked.has(page)) {
        mine.again = true;
        continue;
      }
      mine.asked.add(page);
      const keep = (answer: Asks['events']['answer']): void => {
        mine.asked.delete(page);
        if (cache.current !== mine) return;
        mine.pages.delete(page);
        mine.pages.set(page, answer.rows);
        for (const [old] of mine.pages) {
          if (mine.pages.size <= kept) break;
          mine.pages.delete(old);
        }
        setFound({ filter, total: answer.total });
        setVersion((version) => version + 1);
        // The page was requested again while this request was pending: the log may have grown since.
        if (mine.again) {
          mine.again = false;
          fetchPages();
        }
      };
      ask('events', { filter, from: page * pageSize, count: pageSize }).then(keep, () => mine.asked.delete(page));
    }
  }, [ask, filter]);

  // A log that has grown has more rows in the page at its end.
  useEffect(() => {
    if (open) fetchPages();
  }, [open, length, source, fetchPages]);

  const want = useCallback(
    (first: number, count: number) => {
      cache.current.window = { first, count: Math.max(1, count), offset: 0 };
      fetchPages();
    },
    [fetchPages],
  );
  const total = everything ? length : found.filter === filter ? found.total : 0;
  const at = useCallback(
    (index: number) => cache.current.pages.get(Math.floor(index / pageSize))?.[index % pageSize],
    [],
  );
  return useMemo(() => ({ total, at, want }), [total, at, want]);
}
