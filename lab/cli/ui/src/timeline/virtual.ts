/** Which rows of a long list are to be drawn, and how far down the first stands. */
export type Slice = { first: number; count: number; offset: number };

/**
 * The rows of fixed height that are in view, with some above and below for a smooth scroll.
 * @param top how far the list is scrolled, in pixels
 * @param height of the view, in pixels
 */
export function slice(top: number, height: number, rowHeight: number, total: number, spare = 12): Slice {
  const first = Math.max(0, Math.min(total, Math.floor(top / rowHeight)) - spare);
  const last = Math.min(total, Math.ceil((top + height) / rowHeight) + spare);
  return { first, count: Math.max(0, last - first), offset: first * rowHeight };
}

/** Pages of `size` rows that a slice touches, by number. */
export function pages({ first, count }: Slice, size: number): number[] {
  if (count === 0) return [];
  const from = Math.floor(first / size);
  const to = Math.floor((first + count - 1) / size);
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** Where to scroll so that a row is in view: unchanged where it is already. */
export function reveal(row: number, top: number, height: number, rowHeight: number): number {
  const start = row * rowHeight;
  if (start < top) return start;
  if (start + rowHeight > top + height) return start + rowHeight - height;
  return top;
}
