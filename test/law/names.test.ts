/**
 * One word per thing: a name that one production file exports is not exported by another one for something else.
 * A kind of link has its name in every layer, in a file that is named after it.
 */
import { expect, it } from 'vitest';
import { codeOf, productionFiles } from './tree.ts';

const declaration =
  /^export (?:default )?(?:abstract |async )?(?:function\*?|class|const|let|type|interface|enum) +([A-Za-z_$][\w$]*)/gm;

/** What a package exports in place of a file of the clone: by its type the same thing. */
const substitute = /^: typeof clone\.(\w+)/;

const exportedBy = (code: string): string[] => [
  ...new Set(
    [...code.matchAll(declaration)]
      .filter((match) => substitute.exec(code.slice(match.index + match[0].length))?.[1] !== match[1])
      .map(([, name]) => name!),
  ),
];

it('reads what a file declares and exports, and not what it passes on', () => {
  const code = [
    'export const a = 1;',
    'export async function b() {}',
    'export type C<T> = T;',
    'export abstract class D {}',
    'export { e } from "./e.ts";',
    'const f = 1;',
    'export function b(overload: string): void;',
    'export const g: typeof clone.g = () => 1;',
    'export const h: typeof clone.i = () => 1;',
  ].join('\n');
  expect(exportedBy(code)).toEqual(['a', 'b', 'C', 'D', 'h']);
});

it('each exported name means one thing', () => {
  const files = new Map<string, string[]>();
  for (const path of productionFiles())
    for (const name of exportedBy(codeOf(path)))
      if (!path.endsWith(`/kind/${name}.ts`)) files.set(name, [...(files.get(name) ?? []), path]);
  const shared = [...files].filter(([, paths]) => paths.length > 1);
  expect(shared.map(([name, paths]) => `${name}: ${paths.join(', ')}`)).toEqual([]);
});
