import { gzipSync } from 'node:zlib';
import { resolve } from 'node:path';
import { build } from 'vite';
import { expect, test } from 'vitest';

test('the first load is below 200 kB, and asks nobody else for anything', async () => {
  const result = await build({
    root: resolve(import.meta.dirname, '..'),
    configFile: resolve(import.meta.dirname, '../vite.config.ts'),
    logLevel: 'silent',
    build: { write: false },
  });
  const { output } = result as Extract<typeof result, { output: unknown }>;
  // All of it, the parts that come later too: the map is in view from the start.
  const sizes = output
    .filter(({ fileName }) => !fileName.endsWith('.json'))
    .map((one) => [one.fileName, gzipSync(one.type === 'chunk' ? one.code : one.source).length] as const);
  const sum = sizes.reduce((total, [, size]) => total + size, 0);
  console.log(`first load: ${(sum / 1000).toFixed(1)} kB gzip in ${sizes.length} files`);
  expect(sum).toBeLessThan(200_000);

  const html = output.find(({ fileName }) => fileName === 'index.html');
  const page = String(html?.type === 'asset' ? html.source : '');
  expect(page).toContain('<script type="module"');
  // A strict policy forbids scripts and styles in the page itself; offline forbids other places.
  expect(page).not.toMatch(/<style|style=|<script(?![^>]*\ssrc=)|(?:src|href)="(?:https?:)?\/\//);
}, 120_000);
