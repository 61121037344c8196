import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { findKeys } from '../e2e/keys.ts';
import { eventually, Lab, succeeded } from '../e2e/lab.ts';

// One session of a person with the inspector of a real lab, step by step; each step goes on where the one before ended.
const patience = 30_000;
const name = 'wg-lax1-lax2-0';
let lab: Lab;
let browser: Browser;
let page: Page;
let folder: string;
/** All that went between the page and its server. */
const traffic: [name: string, content: Buffer][] = [];
const complaints: string[] = [];
const keep =
  (which: string) =>
  ({ payload }: { payload: string | Buffer }) =>
    void traffic.push([which, Buffer.from(payload)]);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ift-ui-'));
  [lab, browser] = await Promise.all([
    Lab.start('netns'),
    chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] }),
  ]);
  page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.setDefaultTimeout(patience);
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('websocket', (socket) => {
    socket.on('framereceived', keep('told to the page'));
    socket.on('framesent', keep('said by the page'));
  });
  page.on(
    'response',
    (response) =>
      void response.body().then(
        (body) => traffic.push([response.url(), body]),
        () => {},
      ),
  );
}, 180_000);
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await screenshot(`failed-${task.name.slice(0, 30).replaceAll(' ', '-')}`);
});
afterAll(async () => {
  await browser?.close();
  await lab?.end();
  await rm(folder, { recursive: true, force: true });
});

const address = (): string => lab.env['IFACTOR_UI'] ?? '';
const actor = (state: string): Locator =>
  page.getByRole('button', { name: `${name}, wireguard, in ${lab.containers[0]}: ${state}` });
const state = (): Locator => page.getByRole('status', { name: 'State', exact: true });
const source = (words: string | RegExp): Promise<void> =>
  page.getByRole('status', { name: 'Connection' }).filter({ hasText: words }).waitFor();
const rows = (): Locator => page.getByRole('grid', { name: 'Events' }).getByRole('row');
const screenshot = async (what: string): Promise<void> => {
  const shots = process.env['IFACTOR_SCREENSHOTS'];
  if (shots === undefined) return;
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: join(shots, `${what}-${colorScheme}.png`) });
  }
};

test('an apply lights the states of its interfaces up, down to the healthy one', async () => {
  await page.goto(address());
  await source(/^tls:/);
  expect(new URL(page.url()).search, 'the token is gone from the address').toBe('');
  await lab.apply('wgp1.yaml', 'lax1-wg1.yaml', 'lax1-wg2.yaml');
  await actor('moved-to-netns').click();
  await state().filter({ hasText: 'moved-to-netns' }).waitFor();
  await page.getByRole('figure', { name: 'Lifecycle: moved-to-netns' }).waitFor();
  const fields = page.getByRole('table', { name: `Desired and observed of ${name}` });
  await fields.getByRole('row', { name: 'mtu 1420 1420' }).waitFor();
  expect(await fields.getByText('differs').count()).toBe(0);
  await screenshot('applied');
});

test('a handshake shows on the tunnel', async () => {
  await lab.ping(lab.containers[0], '10.4.0.2', '10.4.0.2');
  const tunnels = page.locator('.tunnel.fresh');
  await tunnels.first().waitFor();
  expect(await tunnels.count()).toBeLessThanOrEqual(2);
});

test('a link deleted by hand shows as drift, then as healed', async () => {
  await eventually(async () => succeeded(await lab.exec(lab.containers[0], 'ip', 'link', 'del', name)));
  await page.getByRole('searchbox', { name: 'Search events' }).fill('DriftObserved');
  await rows().filter({ hasText: name }).filter({ hasText: 'drifted' }).first().waitFor();
  await eventually(async () => {
    expect((await lab.link(lab.containers[0], name)).flags).toContain('UP');
  });
  await state().filter({ hasText: 'moved-to-netns' }).waitFor();
});

test('scrubbing puts the state, the fields and the map back to the drift, and step by step to what healed it', async () => {
  const drifts = rows().filter({ hasText: name }).filter({ hasText: 'drifted' });
  await drifts.filter({ hasText: 'was deleted' }).first().click();
  await state().filter({ hasText: 'drifted' }).waitFor();
  await page.getByText('You see the past').waitFor();
  await page
    .getByRole('table', { name: `Desired and observed of ${name}` })
    .getByRole('row', { name: /^link differs/ })
    .waitFor();
  await actor('drifted').waitFor();
  await screenshot('drifted');
  // The kernel may have shown it down before it was gone.
  await drifts.first().click();
  await page.getByRole('button', { name: 'One event back' }).click();
  await state().filter({ hasText: 'moved-to-netns' }).waitFor();
  await page.getByRole('button', { name: 'One event forward' }).click();
  await state().filter({ hasText: 'drifted' }).waitFor();
  await page.getByRole('button', { name: 'Return to live' }).click();
  await state().filter({ hasText: 'moved-to-netns' }).waitFor();
  expect(await drifts.first().textContent()).toContain('DriftObserved');
});

test('a call of the kernel is led back to the apply that it followed from', async () => {
  await page.getByRole('searchbox', { name: 'Search events' }).fill('LinkCreated');
  await rows().filter({ hasText: name }).filter({ hasText: 'LinkCreated' }).first().click();
  await page.getByRole('checkbox', { name: 'Causes and effects' }).check();
  const causes = page.getByRole('region', { name: 'Causes and effects' });
  await causes
    .getByRole('listitem')
    .first()
    .filter({ hasText: /^.*SpecChanged/ })
    .waitFor();
  expect(await causes.locator('[aria-current]').textContent()).toContain('LinkCreated');
  await page.getByRole('checkbox', { name: 'Causes and effects' }).uncheck();
  await page.getByRole('button', { name: 'Return to live' }).click();
  await page.getByRole('searchbox', { name: 'Search events' }).fill('');
});

/** Drops a file on the page, as a hand would. */
async function drop(content: string, called: string): Promise<void> {
  const make = 'const transfer = new DataTransfer(); transfer.items.add(new File([content], called)); return transfer;';
  const files = await page.evaluateHandle(
    `((content, called) => { ${make} })(${JSON.stringify(content)}, ${JSON.stringify(called)})`,
  );
  await page.dispatchEvent('body', 'drop', { dataTransfer: files });
}

test('a dropped log opens, another file is refused in words, and the lab is there again after it', async () => {
  const path = join(folder, 'bug.log');
  await lab.ifactor('export', '--output', path);
  await drop('{"kind":"List"}\n', 'pods.json');
  await page.getByRole('alert').filter({ hasText: 'pods.json is not a file that `ifactor export` wrote' }).waitFor();
  await drop(await readFile(path, 'utf8'), 'bug.log');
  await source('file bug.log');
  await actor('moved-to-netns').click();
  await state().filter({ hasText: 'moved-to-netns' }).waitFor();
  const total = async (): Promise<number> =>
    Number(await page.getByRole('slider', { name: 'Position in the log' }).getAttribute('max'));
  expect(await total()).toBe(
    (await readFile(path, 'utf8')).split('\n').filter((line) => line.startsWith('{"event":')).length,
  );
  await page.getByRole('button', { name: 'Close file' }).click();
  await source(/^tls:/);
});

test('the page says when NATS is away, and goes on by itself when it or the inspector is back', async () => {
  succeeded(await lab.command('kill', 'nats'));
  await source('not connected');
  succeeded(await lab.command('restart', 'nats'));
  await page.getByRole('status', { name: 'Connection' }).filter({ hasNotText: 'not connected' }).waitFor();
  expect((await lab.command('status')).stdout).toMatch(/ ui +process \d+/);
  succeeded(await lab.command('restart', 'ui'));
  await actor('moved-to-netns').waitFor();
  await source(/^tls:\/\/[\d.:]+$/);
});

test('no key of the lab is in anything that went between the page and its server', async () => {
  await lab.learnKeys();
  expect(lab.keys.size).toBeGreaterThan(3);
  const sizes = Map.groupBy(traffic, ([which]) => which);
  expect(sizes.get('told to the page')?.length).toBeGreaterThan(20);
  expect(findKeys(lab.keys, traffic)).toEqual([]);
});

test('the browser had nothing to complain of, but for the sockets that were cut', () => {
  expect(complaints.filter((text) => !text.includes('WebSocket connection'))).toEqual([]);
});
