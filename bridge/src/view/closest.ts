/** Names that differ by more letters than this are not similar. */
const most = 2;

/** The name closest to `name`, at most two changed, missing or additional letters away; undefined if no name is that close. */
export function closest(name: string, among: Iterable<string>): string | undefined {
  let best: { name: string; letters: number } | undefined;
  for (const other of among) {
    if (Math.abs(other.length - name.length) > most) continue;
    const letters = distance(name, other);
    if (letters <= most && letters < name.length && letters < (best?.letters ?? Infinity))
      best = { name: other, letters };
  }
  return best?.name;
}

/** Levenshtein's distance. */
function distance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (const [row, letter] of Array.from(a).entries()) {
    const line = [row + 1];
    for (const [at, other] of Array.from(b).entries())
      line.push(Math.min(line[at]! + 1, above[at + 1]! + 1, above[at]! + (letter === other ? 0 : 1)));
    above = line;
  }
  return above[b.length]!;
}
