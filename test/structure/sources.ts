import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');

/** A file of production code, by its path from the root of the repository. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

/** Whether a file is there for tests only. */
export const isTest = (path: string): boolean => /(^|\/)testing\/|\.test\.tsx?$/.test(path);

/** Production code of every workspace but test. */
export function sources(): Source[] {
  return globSync('{actors,bridge,crds,crds/common,lab,lab/cli,lab/cli/ui}/src/**/*.{ts,tsx}', { cwd: ROOT })
    .filter((path) => !isTest(path))
    .toSorted()
    .map((path) => ({ path, text: readFileSync(resolve(ROOT, path), 'utf8') }));
}
