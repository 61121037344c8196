import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { steps as demoSteps } from '@ifactor/lab/demo';
import { ifactor, run, succeeded } from '../e2e/lab.ts';
import { labPrefix } from '../lane/interrupt.ts';
import { root } from './generated.ts';
import { walkthroughSteps } from './walkthrough.ts';

const [shell, ...steps] = walkthroughSteps(readFileSync(join(root, 'README.md'), 'utf8'));

/** What a reader would look for in what a step prints, beside that no command of it fails. */
const shows: Readonly<Record<number, RegExp>> = {
  1: /3 packets transmitted, 3 received/,
  2: /latest handshake/,
  3: /nl1-dummy/,
  4: /veth2-a/,
  5: /bytes from fe80::2/,
  6: /bytes from fe80::eeee:2/,
  7: /DriftObserved/,
  8: /^lo\s/m,
};

test('the page has a step for each of the demo, and one that deletes everything', () => {
  expect(steps).toHaveLength(demoSteps.length + 1);
});

describe('the walkthrough of the README, block by block, as pasted', () => {
  // Stands for a clone, so that the lab is in a folder of its own.
  const clone = mkdtempSync(labPrefix());
  const state = join(clone, 'environment');

  beforeAll(async () => {
    for (const name of ['crds', 'node_modules', 'package.json']) symlinkSync(join(root, name), join(clone, name));
    writeFileSync(state, '');
    succeeded(await ifactor('lab', 'up', '--detach', '--dir', join(clone, '.lab')));
    await paste(shell!.commands);
  });
  afterAll(async () => {
    succeeded(await ifactor('lab', 'down', '--dir', join(clone, '.lab')));
    rmSync(clone, { recursive: true, force: true });
  });

  /** Runs a block as a shell would that had run all blocks before it; the first command that fails ends it. */
  async function paste(commands: string): Promise<string> {
    const script = `cd ${clone}; . ${state}; set -e\n${commands}\nexport -p > ${state}`;
    const { code, stdout, stderr } = await run('bash', ['-c', script]);
    expect(code, `${commands}\n${stdout}${stderr}`).toBe(0);
    return stdout;
  }

  test.each(steps.map(({ title, commands }, at) => ({ number: at + 1, title, commands })))(
    'step $number: $title',
    { timeout: 180_000 },
    async ({ number, commands }) => {
      expect(await paste(commands)).toMatch(shows[number]!);
    },
  );
});
