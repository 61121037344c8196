import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { pages, root } from './generated.ts';

test('generated parts of pages are current: else run `npm run docs`', () => {
  for (const { path, found, wanted } of pages()) expect(found, relative(root, path)).toBe(wanted);
});

const linked = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
  ...['crds', 'actors', 'bridge', 'lab', 'test'].map((folder) => `${folder}/README.md`),
];

describe.each(linked)('%s', (page) => {
  const text = readFileSync(join(root, page), 'utf8');

  test('names only files that exist', () => {
    const links = [...text.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path]) => path!);
    const missing = links.filter((path) => !existsSync(join(root, dirname(page), path)));
    expect(missing).toEqual([]);
  });

  test('names only rooms that exist', () => {
    const rooms = [...text.matchAll(/`((?:actors|bridge|crds|lab|test)\/[\w./*-]+)`/g)].map(([, path]) => path!);
    const missing = rooms.filter((path) => !path.includes('*') && !existsSync(join(root, path)));
    expect(missing).toEqual([]);
  });
});
