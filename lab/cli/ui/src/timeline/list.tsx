import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { KeyboardEvent, ReactElement, ReactNode } from 'react';
import { reveal, slice } from './virtual.ts';

const rowHeight = 26;

/** How far each key moves the selection; a page is what is in view. */
const moves: Readonly<Record<string, (page: number, total: number) => number>> = {
  ArrowUp: () => -1,
  ArrowDown: () => 1,
  PageUp: (page) => -page,
  PageDown: (page) => page,
  Home: (_, total) => -total,
  End: (_, total) => total,
};

type Properties = {
  total: number;
  /** The row that stands out, from 0. */
  selected: number | null;
  /** Whether the end is kept in view as rows arrive. */
  follow: boolean;
  label: string;
  columns: readonly string[];
  /** Called with the rows in view whenever they change. */
  want: (first: number, count: number) => void;
  /** Cells of a row, in role `gridcell`; null while the row has not arrived. */
  row: (index: number) => ReactNode;
  onSelect: (index: number) => void;
};

/** A list of any length that draws only the rows in view. A grid to assistive technology: one stop for Tab, arrows move. */
export function List({ total, selected, follow, label, columns, want, row, onSelect }: Properties): ReactElement {
  const view = useRef<HTMLDivElement>(null);
  const [box, setBox] = useState({ top: 0, height: 300 });
  const { first, count, offset } = slice(box.top, box.height, rowHeight, total);

  const measure = useCallback(() => {
    const element = view.current;
    if (element)
      setBox((old) =>
        old.top === element.scrollTop && old.height === element.clientHeight
          ? old
          : { top: element.scrollTop, height: element.clientHeight },
      );
  }, []);

  useEffect(() => {
    const observer = new ResizeObserver(measure);
    if (view.current) observer.observe(view.current);
    return () => observer.disconnect();
  }, [measure]);

  useEffect(() => want(first, count), [want, first, count]);

  useLayoutEffect(() => {
    const element = view.current;
    if (element && follow) element.scrollTop = total * rowHeight;
  }, [follow, total]);

  // Rows that arrive later do not change the scroll position.
  const known = total > 0;
  useLayoutEffect(() => {
    const element = view.current;
    if (element && known && selected !== null && !follow)
      element.scrollTop = reveal(selected, element.scrollTop, element.clientHeight - rowHeight, rowHeight);
  }, [selected, follow, known]);

  // Key presses may arrive faster than the answers that update the selection.
  const aim = useRef<number | null>(null);
  useEffect(() => {
    if (aim.current === selected) aim.current = null;
  }, [selected]);

  const onKeyDown = (event: KeyboardEvent): void => {
    const move = moves[event.key];
    if (move === undefined || total === 0) return;
    event.preventDefault();
    const page = Math.max(1, Math.floor(box.height / rowHeight) - 2);
    aim.current = Math.max(0, Math.min(total - 1, (aim.current ?? selected ?? total - 1) + move(page, total)));
    onSelect(aim.current);
  };

  return (
    <div
      ref={view}
      className="list"
      role="grid"
      tabIndex={0}
      aria-label={label}
      aria-rowcount={total + 1}
      aria-colcount={columns.length}
      aria-activedescendant={
        selected !== null && selected >= first && selected < first + count ? `row-${selected}` : undefined
      }
      onScroll={measure}
      onKeyDown={onKeyDown}
    >
      <div role="rowgroup" className="head">
        <div role="row" aria-rowindex={1} className="row">
          {columns.map((name) => (
            <span key={name} role="columnheader">
              {name}
            </span>
          ))}
        </div>
      </div>
      <div role="rowgroup" className="sizer" style={{ height: total * rowHeight }}>
        {Array.from({ length: count }, (_, step) => first + step).map((index) => (
          <div
            key={index}
            id={`row-${index}`}
            role="row"
            aria-rowindex={index + 2}
            aria-selected={index === selected}
            className="row"
            style={{ transform: `translateY(${offset + (index - first) * rowHeight}px)` }}
            onClick={() => {
              aim.current = null;
              onSelect(index);
            }}
          >
            {row(index)}
          </div>
        ))}
      </div>
    </div>
  );
}
