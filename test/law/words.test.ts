/** Plain English in what people read: comments, texts in code, and pages. Other ways to say a thing are in CONTRIBUTING. */
import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { proseOf, root } from './tree.ts';

/** What is not said, and what is said instead. */
const quaint: readonly (readonly [RegExp, string])[] = [
  [/\banew\b/i, 'again; recreated, restarted'],
  [/\bamid\b/i, 'during'],
  [/\btill\b/i, 'until'],
  [/\b(?:is|are|was|were) none\b/i, 'does not exist, is missing; say what it is instead'],
  // "has not answered" is plain; "a lab that has not" is not.
  [/\b(?:has|have|had) not\b(?=[^\w\s]|\s*$)/im, 'does not have'],
  [/\bof late\b/i, 'recently'],
  [/\bbe it\b/i, 'whether'],
  [/\bsay so too\b/i, 'name what agrees'],
];

/** The recorded field `anew` of LinkRemoved and RemoveLink, and the golden log that shows it. */
const recorded = /[`']anew['`]|\banew\.jsonl\b/g;

/** This file has to name them. */
const lists = ['test/law/words.test.ts'];

function filesRead(): string[] {
  return globSync('**/*.{ts,tsx,md,css,html,sh}', {
    cwd: root,
    exclude: (path) => /(^|\/)(node_modules|dist)$|^\.git$|^test\/golden\/log$/.test(path),
  }).filter((path) => !lists.includes(path));
}

/** Lines of a text that say a thing quaintly: `12: till → until`. */
function quaintIn(text: string): string[] {
  return text
    .replaceAll(recorded, (token) => token.replaceAll(/\w/g, ' '))
    .split('\n')
    .flatMap((line, i) =>
      quaint.flatMap(([word, plain]) => {
        const found = word.exec(line);
        return found === null ? [] : [`${i + 1}: ${found[0]} → ${plain}`];
      }),
    );
}

it('finds words in comments and texts, not in names', () => {
  const code = [
    'const till = 1; // Waits till it ends.',
    'const b = `made ${anew} anew`;',
    "const c = { type: 'LinkRemoved', data: { anew: ['kind'] } };",
    '/** `anew`: recreated, because it has not changed. A part that the lab has not. */',
    "const d = 'the kernel has not, the agent has not answered';",
    'const e = `${found.none}: there is none`;',
  ].join('\n');
  expect(quaintIn(proseOf(code)).map((line) => line.split(' → ')[0])).toEqual([
    '1: till',
    '2: anew',
    '4: has not',
    '5: has not',
    '6: is none',
  ]);
});

it('comments, texts and pages are in plain English', () => {
  const offends = filesRead().flatMap((path) => {
    const source = readFileSync(resolve(root, path), 'utf8');
    return quaintIn(/\.tsx?$/.test(path) ? proseOf(source) : source).map((line) => `${path}:${line}`);
  });
  expect(offends).toEqual([]);
});
