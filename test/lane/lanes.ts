import { globSync } from 'node:fs';
import { resolve } from 'node:path';

/** Workspaces whose unit tests stand beside their source, by name; each is a lane of its own. */
export const unitFolders = {
  common: 'crds/common',
  crds: 'crds',
  bridge: 'bridge',
  actors: 'actors',
  lab: 'lab',
  cli: 'lab/cli',
} as const;
export const UNITS = Object.keys(unitFolders);

/** Folders whose tests belong to the lane of another folder, because they share what it starts. */
const PART_OF: Readonly<Record<string, string>> = { kube: 'contract' };

/** What ought to run first, because it says more plainly what is wrong; the rest follows by name. */
const FIRST = ['lane', 'law', 'contract', 'kernel', 'e2e'];

/** Lanes whose tests run inside virtual machines. */
export const machines = ['kernel', 'vm'];

/** In the environment of the test workspace's `npm test`: `machines` only, all `others`, or, without it, every lane. */
export const PART = 'IFACTOR_TEST_PART';

export interface Lane {
  name: string;
  /** Patterns of its test files, relative to the test workspace. */
  include: string[];
}

/** Lanes of the test workspace, in the order in which they run: one for each folder that has tests. */
export function lanes(): Lane[] {
  const root = resolve(import.meta.dirname, '..');
  const folders = new Set(
    globSync('*/**/*.test.ts', { cwd: root, exclude: ['node_modules/**'] }).map((file) => file.split('/')[0] ?? ''),
  );
  const byLane = Map.groupBy([...folders].toSorted(), (folder) => PART_OF[folder] ?? folder);
  return [...byLane]
    .map(([name, parts]) => ({ name, include: parts.map((folder) => `${folder}/**/*.test.ts`) }))
    .toSorted((a, b) => rank(a.name) - rank(b.name));
}

function rank(name: string): number {
  const place = FIRST.indexOf(name);
  return place === -1 ? FIRST.length : place;
}
