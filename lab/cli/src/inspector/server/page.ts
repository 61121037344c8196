import { systemClock } from '@ifactor/common';
import { globSync, rmSync, statSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../../../ui');
const dist = join(root, 'dist');
/** On the same disk, in a folder that git and the linter ignore. */
const workshop = join(root, '../node_modules/.cache');
/** What the page is made of, beside its own folder. */
const sources = [
  ...['src/**/*', 'public/**/*', '*.{html,ts}'].map((pattern) => join(root, pattern)),
  join(import.meta.dirname, '../protocol.ts'),
];

/** Where the built page is; null: it is to be built first, or again. */
function built(): string | null {
  const made = statSync(join(dist, 'index.html'), { throwIfNoEntry: false })?.mtimeMs;
  const changed = sources
    .flatMap((pattern) => globSync(pattern))
    .map((path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  return made !== undefined && Math.max(...changed) <= made ? dist : null;
}

/**
 * The folder of the built page, which is built where that is needed. Another process may build it at the same time.
 * @throws Error with vite's message
 */
export async function page(say: (line: string) => void): Promise<string> {
  const there = built();
  if (there !== null) return there;
  say('building the page …');
  const begun = systemClock.monotonic();
  const { build } = await import('vite');
  const own = join(workshop, `ifactor-page-${process.pid}`);
  try {
    await build({
      root,
      configFile: join(root, 'vite.config.ts'),
      logLevel: 'error',
      build: { outDir: own, emptyOutDir: true },
    });
    await replace(own);
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
  say(`the page is built (${((systemClock.monotonic() - begun) / 1000).toFixed(1)} s)`);
  return dist;
}

/** Puts the new one where the old one was. */
async function replace(own: string): Promise<void> {
  const old = `${own}.old`;
  await rename(dist, old).catch(() => {});
  try {
    // Where another process was faster, its page is as good.
    await rename(own, dist).catch((error: unknown) => {
      if (built() === null) throw error;
    });
  } finally {
    rmSync(old, { recursive: true, force: true });
  }
}
