import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { machineVersion } from '@ifactor/crds';
import { repository } from './world.ts';

/** What the release after this one knows: a version of the machine, a state, an event, and a field in each direction. */
export const next = {
  version: '99.0.0',
  machine: machineVersion + 1,
  state: 'resting',
  event: 'LinkMeasured',
  field: { mood: 'fine' },
} as const;

const workspaces = { actors: 'actors', bridge: 'bridge', crds: 'crds', common: 'crds/common' } as const;

type Change = readonly [text: string, becomes: string];
const before = (text: string, added: string): Change => [text, added + text];
const after = (text: string, added: string): Change => [text, text + added];

/** What is different in it, by file. Each text stands there once: where that is no longer so, say here what it became. */
const changes: Readonly<Record<string, readonly Change[]>> = {
  'crds/src/message/event.ts': [
    [`export const machineVersion = ${machineVersion};`, `export const machineVersion = ${next.machine};`],
    after('  ResyncRequested: { by: string };\n', `  ${next.event}: { mood: string };\n`),
  ],
  'crds/src/message/status.ts': [after("  'moved-to-netns',\n", `  '${next.state}',\n`)],
  'actors/src/interface/machine/machine.ts': [
    after('  Resumed: 1,\n', `  ${next.event}: 1,\n`),
    [
      "{ guard: 'operationsDoneInNetns', target: '#moved-to-netns' }",
      `{ guard: 'operationsDoneInNetns', target: '#${next.state}' }`,
    ],
    after("          initial: 'configured',\n          always: [\n", '            ...done,\n'),
    before(
      "            'moved-to-netns': { id:",
      `            ${next.state}: { id: '${next.state}', description: 'rests' },\n`,
    ),
  ],
  'actors/src/interface/machine/verdict.ts': [
    ["operationsDoneInNetns: 'moved-to-netns'", `operationsDoneInNetns: '${next.state}'`],
    ["= ['configured', 'moved-to-netns'];", `= ['configured', 'moved-to-netns', '${next.state}'];`],
  ],
  'actors/src/interface/machine/stored.ts': [before("    case 'moved-to-netns':\n", `    case '${next.state}':\n`)],
  'actors/src/node/runner/runner.ts': [
    after(
      "else this.tell(actor, { type: 'AgentStarted', data: startOf(later.get(actor)) }, null);\n",
      `      this.tell(actor, { type: '${next.event}', data: { mood: 'fine' } }, null);\n`,
    ),
  ],
  'actors/src/node/session/status.ts': [after('    nodename: host.node,\n', "    mood: 'fine',\n")],
  'bridge/src/desired/draft.ts': [before('    spec,\n    missing,\n', "    mood: 'fine',\n")],
};

/** Makes the tree of the next release, of what runs in a cluster. @returns its root */
export function makeNextRelease(root: string): string {
  for (const folder of Object.values(workspaces)) {
    mkdirSync(join(root, folder), { recursive: true });
    cpSync(join(repository, folder, 'src'), join(root, folder, 'src'), { recursive: true });
    const described = JSON.parse(readFileSync(join(repository, folder, 'package.json'), 'utf8')) as object;
    writeFileSync(join(root, folder, 'package.json'), JSON.stringify({ ...described, version: next.version }));
  }
  linkPackages(root);
  for (const [file, list] of Object.entries(changes)) {
    const path = join(root, file);
    writeFileSync(
      path,
      list.reduce((text, change) => changed(file, text, change), readFileSync(path, 'utf8')),
    );
  }
  return root;
}

/** Those of others are this tree's, ours the next release's. */
function linkPackages(root: string): void {
  const [from, to] = [join(repository, 'node_modules'), join(root, 'node_modules')];
  mkdirSync(join(to, '@ifactor'), { recursive: true });
  for (const name of readdirSync(from)) if (name !== '@ifactor') symlinkSync(join(from, name), join(to, name));
  for (const [name, folder] of Object.entries(workspaces)) symlinkSync(join(root, folder), join(to, '@ifactor', name));
}

function changed(file: string, text: string, [old, becomes]: Change): string {
  if (text.split(old).length !== 2)
    throw new Error(`nextRelease.ts: ${JSON.stringify(old)} does not stand once in ${file}`);
  // A replacement string would read `$`.
  return text.replace(old, () => becomes);
}
