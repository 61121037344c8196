import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Locator, Page } from 'playwright-core';
import { setStage, show } from './stage.ts';
import type { Stage } from './stage.ts';
import { tell } from './story.ts';

const story = tell({ hosts: 4, links: 6, length: 400 });
const one = `#actor=${encodeURIComponent('node1 wireguardinterface/default/wg1')}`;
let stage: Stage;

beforeAll(async () => {
  stage = await setStage();
}, 120_000);
afterAll(() => stage.close());

const moment = (page: Page): Locator => page.getByRole('slider', { name: 'Position in the log' });
const chosen = (page: Page): Locator => page.getByRole('grid', { name: 'Events' }).getByRole('row', { selected: true });

test('everything goes by keyboard: choose an interface, step back, compare, return', async () => {
  const { page, errors } = await show(stage, story);
  await page.getByRole('link', { name: 'wg1' }).first().focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'wg1' }).waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.getByText('event 398 of 400').waitFor();
  expect(await chosen(page).getAttribute('aria-rowindex')).toBe('399');
  await page.keyboard.press('m');
  await page.getByRole('table', { name: 'Two moments' }).waitFor();
  await page.keyboard.press('l');
  await page.getByText('You see the past').waitFor({ state: 'detached' });
  await page.keyboard.press('Escape');
  await page.getByRole('table', { name: 'Interfaces' }).waitFor();
  expect(errors).toEqual([]);
  await page.close();
});

test('arrows move through a filtered list, faster than the server says where', async () => {
  const { page } = await show(stage, story, { hash: one });
  await page.getByLabel('Only this interface').check();
  await page.getByText('20 events').waitFor();
  await page.getByRole('grid', { name: 'Events' }).focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.getByText('event 42 of 400').waitFor();
  expect(await chosen(page).getAttribute('aria-rowindex')).toBe('4');
  await page.close();
});

test('the address holds what is seen: a copy of it shows the same, and back goes back', async () => {
  const { page } = await show(stage, story, { hash: `${one}&at=187` });
  await page.getByText('event 187 of 400').waitFor();
  expect(page.url(), 'no token is left to be copied along').not.toContain('t0ken');
  await page.getByRole('button', { name: '← All interfaces' }).click();
  await page.getByRole('table', { name: 'Interfaces' }).waitFor();
  await page.goBack();
  await page.getByRole('heading', { name: 'wg1' }).waitFor();
  expect(await moment(page).inputValue()).toBe('187');
  await page.close();
});

test('a lost connection is said and made again', async () => {
  const { page, sockets } = await show(stage, story);
  await page.getByRole('status', { name: 'Connection' }).filter({ hasText: 'story' }).waitFor();
  await sockets[0]?.close({ code: 1001 });
  await page.getByRole('alert').filter({ hasText: 'connection to the server is lost' }).waitFor();
  await page.getByRole('status', { name: 'Connection' }).filter({ hasText: 'story' }).waitFor();
  expect(sockets).toHaveLength(2);
  await page.close();
});

test('the theme goes round, and a later visit remembers it', async () => {
  const { page } = await show(stage, story, { colorScheme: 'light' });
  const colour = (): Promise<string> => page.evaluate('getComputedStyle(document.body).backgroundColor');
  const light = await colour();
  await page.getByRole('button', { name: 'Theme: Auto' }).click();
  await page.getByRole('button', { name: 'Theme: Light' }).click();
  await page.getByRole('button', { name: 'Theme: Dark' }).waitFor();
  const dark = await colour();
  expect(dark).not.toBe(light);
  await page.reload();
  await page.getByRole('button', { name: 'Theme: Dark' }).waitFor();
  expect(await colour()).toBe(dark);
  await page.close();
});

test('play walks through the log, and pauses', async () => {
  const { page } = await show(stage, story, { hash: '#at=10' });
  await page.getByRole('combobox', { name: 'Speed of play' }).selectOption('64');
  await page.keyboard.press('Tab');
  await page.getByRole('button', { name: 'Play' }).click();
  await expect.poll(async () => Number(await moment(page).inputValue())).toBeGreaterThan(20);
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByRole('button', { name: 'Play' }).waitFor();
  await page.close();
});
