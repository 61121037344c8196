import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lanes, UNITS } from './lanes.ts';
import { lanePage } from './page.ts';

test('the page says of each lane what it proves, needs and costs, and of no other', () => {
  const page = lanePage();
  expect([...page.keys()].toSorted()).toEqual([...new Set([...UNITS, ...lanes().map(({ name }) => name)])].toSorted());
  for (const [name, lines] of page) {
    expect(
      lines.map((line) => line.split(':')[0]),
      name,
    ).toEqual(['Proves', 'Needs', 'Costs']);
  }
});

const lane = (...args: string[]) =>
  spawnSync(process.execPath, [join(import.meta.dirname, 'lane.ts'), ...args], { encoding: 'utf8' });

test('without a name it lists the lanes; an unknown name is an error', () => {
  expect(lane().stdout).toMatch(/^heal\n {2}Proves: /m);
  const wrong = lane('hael');
  expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringMatching(/^no lane hael: choose one of .*\bheal\b/)]);
});
