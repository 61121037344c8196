/** The last items of a source, in order; `onCut` is called where there were more. Holds no more than twice as many. */
export async function lastOf<T>(items: AsyncIterable<T>, count: number, onCut: () => void): Promise<T[]> {
  let held: T[] = [];
  let dropped = false;
  for await (const item of items) {
    held.push(item);
    if (held.length <= 2 * count) continue;
    held = held.slice(held.length - count);
    dropped = true;
  }
  if (dropped || held.length > count) onCut();
  return held.slice(Math.max(0, held.length - count));
}
