import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type axe from 'axe-core';
import type { Page } from 'playwright-core';
import { setStage, show } from './stage.ts';
import type { Stage } from './stage.ts';
import { tell } from './story.ts';

const story = tell({ hosts: 4, links: 6, length: 400 });
const one = encodeURIComponent('node1 wireguardinterface/default/wg1');
const rules = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
let stage: Stage;

beforeAll(async () => {
  stage = await setStage();
}, 120_000);
afterAll(() => stage.close());

/** What axe finds, a line for each element; the page's own policy would not let it in by a script element. */
async function violations(page: Page, only?: string): Promise<string[]> {
  await page.evaluate(rules);
  const options = only === undefined ? {} : { runOnly: [only] };
  const { violations: found } = await page.evaluate(
    (how) => (globalThis as unknown as { axe: typeof axe }).axe.run(how),
    options,
  );
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')} ${failureSummary ?? ''}`),
  );
}

const wide = { width: 1280, height: 800 };
const narrow = { width: 380, height: 760 };

test.each([
  ['all interfaces', wide, '', '.host'],
  ['one of them', wide, `#actor=${one}`, '.statechart'],
  ['a comparison', wide, `#actor=${one}&at=187&other=120&view=compare`, '.compare table'],
  ['the map on a narrow screen', narrow, '#view=map', '.host'],
  ['an interface on a narrow screen', narrow, `#actor=${one}&at=187&view=actor`, '.statechart'],
  ['the timeline on a narrow screen', narrow, '#at=187&view=timeline', '.list [aria-selected=true]'],
])('axe finds nothing in %s, light and dark', async (_, viewport, hash, sign) => {
  const { page, errors } = await show(stage, story, { hash, viewport, colorScheme: 'light' });
  await page.locator(sign).first().waitFor();
  expect(await violations(page)).toEqual([]);
  await page.emulateMedia({ colorScheme: 'dark' });
  expect(await violations(page, 'color-contrast')).toEqual([]);
  expect(await page.evaluate('document.documentElement.scrollWidth'), 'nothing stands out to the side').toBe(
    viewport.width,
  );
  expect(errors, 'the browser has nothing to complain of, the content policy among it').toEqual([]);
  await page.close();
});

test('axe finds nothing in the list of keys', async () => {
  const { page } = await show(stage, story);
  await page.locator('.host').first().waitFor();
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys and signs' }).waitFor();
  expect(await violations(page)).toEqual([]);
  await page.close();
});
