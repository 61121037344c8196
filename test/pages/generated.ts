/** Parts of pages that are generated from the code: between `<!-- generated: NAME -->` and `<!-- end -->`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { events } from './events.ts';
import { fields } from './fields.ts';
import { matrixTable } from '../nats/matrix.ts';
import { commands, help } from './programs.ts';

export const root = resolve(import.meta.dirname, '../..');

type Section = { page: string; name: string; content: () => string };

const sections: Section[] = [
  ...['wireguardinterfaces', 'netlinkinterfaces', 'wireguardnetworkplans'].map((plural) => ({
    page: 'crds/README.md',
    name: `fields of ${plural}`,
    content: () => fields(join(root, 'crds/manifests', `${plural}.yaml`)),
  })),
  {
    page: 'actors/README.md',
    name: 'events',
    content: () => events(readFileSync(join(root, 'crds/src/message/event.ts'), 'utf8')),
  },
  { page: 'actors/README.md', name: 'flags', content: () => help(join(root, 'actors/src/main.ts')) },
  { page: 'bridge/README.md', name: 'flags', content: () => help(join(root, 'bridge/src/main.ts')) },
  { page: 'test/README.md', name: 'permissions', content: matrixTable },
  { page: 'lab/README.md', name: 'commands', content: () => commands(join(root, 'lab/cli/src/main.ts')) },
];

/** A page with one generated part replaced. @throws Error where the page has no such part */
export function withSection(text: string, name: string, content: string): string {
  const begin = `<!-- generated: ${name} -->\n`;
  const from = text.indexOf(begin);
  const to = text.indexOf('<!-- end -->', from);
  if (from === -1 || to === -1) throw new Error(`the page has no part "${name}" between its two comments`);
  return `${text.slice(0, from + begin.length)}\n${content.trimEnd()}\n\n${text.slice(to)}`;
}

/** Each page that has generated parts, as it is and as it should be. */
export function pages(): { path: string; found: string; wanted: string }[] {
  const byPage = Map.groupBy(sections, ({ page }) => page);
  return [...byPage].map(([page, parts]) => {
    const path = join(root, page);
    const found = readFileSync(path, 'utf8');
    const wanted = parts.reduce((text, { name, content }) => withSection(text, name, content()), found);
    return { path, found, wanted };
  });
}

if (import.meta.main) {
  const stale = pages().filter(({ found, wanted }) => found !== wanted);
  if (process.argv.includes('--check')) {
    for (const { path } of stale) console.error(`stale: ${path}; run "npm run docs"`);
    process.exitCode = stale.length > 0 ? 1 : 0;
  } else {
    for (const { path, wanted } of stale) writeFileSync(path, wanted);
    console.log(stale.length === 0 ? 'all pages are current' : stale.map(({ path }) => `wrote ${path}`).join('\n'));
  }
}
