import { expect, test } from 'vitest';
import { isTest, sources } from './sources.ts';

test('production code imports nothing that is there for tests', () => {
  const imports = sources().flatMap(({ path, text }) =>
    [...text.matchAll(/\b(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, from = '']) => ({ path, from })),
  );
  expect(imports.length).toBeGreaterThan(500);
  expect(imports.filter(({ from }) => isTest(from) || from.endsWith('/testing'))).toEqual([]);
});
