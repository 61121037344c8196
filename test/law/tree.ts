/** The production code of the whole tree, as text. */
import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '../..');

/** Production files, relative to the root: no tests, no test seams, no declarations. */
export function productionFiles(): string[] {
  return ['crds', 'bridge', 'actors', 'lab']
    .flatMap((workspace) =>
      globSync(`${workspace}/**/*.{ts,tsx}`, { cwd: root, exclude: (path) => path.includes('node_modules') }),
    )
    .filter(
      (path) => !/(^|\/)(node_modules|dist|testing)\/|\.test\.tsx?$|\.d\.ts$|(^|\/)[\w.]+\.config\.ts$/.test(path),
    )
    .toSorted();
}

/** The code of a file with comments and the content of strings blanked, line by line. Good enough to look for names in. */
export function codeOf(path: string): string {
  return blank(readFileSync(resolve(root, path), 'utf8'));
}

const blanked = (text: string): string => text.replaceAll(/[^\n]/g, ' ');

/** The comments of a file and the content of its strings, all else blanked, line by line. Good enough to look for words in. */
export function proseOf(source: string): string {
  let prose = '';
  let end = 0;
  for (const { 0: token, index } of source.matchAll(
    /\/\*[\s\S]*?\*\/|(?<![:'"`\\])\/\/.*$|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/gm,
  )) {
    prose += blanked(source.slice(end, index));
    prose += token.startsWith('`') ? token.replaceAll(/\$\{[^{}]*\}/g, blanked) : token;
    end = index + token.length;
  }
  return prose + blanked(source.slice(end));
}

export function blank(source: string): string {
  return source.replaceAll(/\/\*[\s\S]*?\*\/|(?<![:'"`\\])\/\/.*$|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/gm, (token) =>
    token.startsWith('/') ? blanked(token) : `${token[0]}${token.at(-1)}`,
  );
}
