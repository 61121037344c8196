/** What a part is given has few fields, grouped by lifetime. */
import { expect, it } from 'vitest';
import { blank, codeOf, productionFiles } from './tree.ts';

const most = 7;
/** NatsOptions is as wide as the client's own configuration: one field for each flag of a command. */
const wide = new Set(['NatsOptions']);
const given = /\b(?:type|interface) (\w+(?:Options|Parts|Handlers))\b[^={;]*(?:= (?:[^={;]*& )?)?\{/g;

/** Name and number of fields of each type of options, parts or handlers. */
function sizes(code: string): [name: string, fields: number][] {
  return [...code.matchAll(given)].map((found) => [
    found[1] ?? '',
    top(code.slice(found.index + found[0].length)).match(/(?:^|[;,])\s*(?:readonly )?\w+\??\s*[:(<]/g)?.length ?? 0,
  ]);
}

/** The code up to the brace that closes it, without what stands in inner brackets. */
function top(code: string): string {
  let depth = 0;
  let text = '';
  for (const character of code) {
    if (')]}'.includes(character) && --depth < 0) return text;
    if (depth === 0 && !')]}'.includes(character)) text += character;
    if ('([{'.includes(character)) depth++;
  }
  return text;
}

it.each([
  ['type AOptions = { a: number; readonly b?: string };', [['AOptions', 2]]],
  ['export type AParts = {\n  // c: none\n  a: { x: 1; y: 2 };\n  b(x: number, y: string): void;\n};', [['AParts', 2]]],
  ['interface AHandlers { a: (x: string) => void; b: 1 }', [['AHandlers', 2]]],
  ['type AOptions = B & { a: number };', [['AOptions', 1]]],
  ['type A = { a: number };', []],
])('%j has %j', (code, found) => expect(sizes(blank(code))).toEqual(found));

it(`options, parts and handlers have at most ${most} fields`, () => {
  const found = productionFiles().flatMap((path) => sizes(codeOf(path)));
  expect(found.length).toBeGreaterThan(20);
  expect(found.filter(([, fields]) => fields > most).map(([name]) => name)).toEqual([...wide]);
});
