/** Records golden logs in a lab of its own: see README.md. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { RecordedEvent } from '@ifactor/crds';
import { findKeys } from '../e2e/keys.ts';
import { Lab } from '../e2e/lab.ts';
import { runtimes } from '../e2e/runtime.ts';
import { foldAll, ownFolder, readLog, spell, writeFolds } from './golden.ts';
import { scenarios } from './scenarios.ts';

const help = `usage: npm run golden -- [name…] [--folds]

Lives through the scenarios of these names in a lab (as root, with Docker), every one where none is named, and writes a log of each.
  --folds   record no log: write again what the committed logs fold to, after the machine's version was raised
`;

const { values, positionals } = parseArgs({
  options: { folds: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const unknown = positionals.filter((name) => !scenarios.some((scenario) => scenario.name === name));
if (values.help || unknown.length > 0) {
  console.log(unknown.length > 0 ? `there is no scenario ${unknown.join(', ')}\n\n${help}` : help);
  process.exit(values.help ? 0 : 2);
}
if (!values.folds) await record(scenarios.filter(({ name }) => positionals.length === 0 || positionals.includes(name)));
writeFolds(await foldAll());

async function record(wanted: typeof scenarios): Promise<void> {
  const [runtime] = runtimes();
  const lab = await Lab.start(runtime ?? 'netns');
  try {
    for (const { name, live } of wanted) {
      console.log(`lives through ${name}`);
      await live(lab);
    }
    // What is written has folded to what the agents said of themselves.
    await lab.ifactor('replay', '--verify');
    await lab.learnKeys();
    const path = join(lab.dir, 'all.jsonl');
    await lab.ifactor('export', '--output', path);
    const [header = ''] = readFileSync(path, 'utf8').split('\n');
    const all = await readLog(path);
    for (const { name, actors } of wanted)
      write(
        name,
        header,
        all.filter(({ key }) => actors.includes(spell(key))),
        lab,
      );
  } finally {
    await lab.end();
  }
}

/** Without statuses, which tell of the machine; the lab's containers are called as in the examples. */
function write(name: string, header: string, events: RecordedEvent[], lab: Lab): void {
  const lines = [header, ...events.map((event) => JSON.stringify({ event }))].join('\n');
  const [one, two] = lab.containers;
  const text = `${lines.replaceAll(one, 'agent1').replaceAll(two, 'agent2')}\n`;
  const leaks = findKeys(lab.keys, [[name, Buffer.from(text)]]);
  if (leaks.length > 0)
    throw new Error(`a key of the lab stands in the log ${name}: that is a defect, so it is not written`);
  mkdirSync(ownFolder, { recursive: true });
  writeFileSync(join(ownFolder, `${name}.jsonl`), text);
  console.log(`${name}: ${events.length} events`);
}
