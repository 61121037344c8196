import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, Page, WebSocketRoute } from 'playwright-core';
import { page as build, headers } from '@ifactor/cli/inspector';
import type { PageRequest } from '@ifactor/cli/inspector';
import type { Story } from './story.ts';

const kinds: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

export type Stage = { browser: Browser; address: string; close: () => Promise<void> };

/** Builds the page where that is needed, serves it as strictly as the real server does, and starts a browser. */
export async function setStage(): Promise<Stage> {
  const dist = await build(() => {});
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://localhost').pathname);
    try {
      const body = readFileSync(join(dist, path === '/' ? 'index.html' : path));
      response.writeHead(200, { 'content-type': kinds[extname(path)] ?? 'text/html', ...headers }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  return {
    browser,
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      await browser.close();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

/** Opens the page with a story behind its socket; `errors` gathers what the browser complains of. */
export async function show(
  { browser, address }: Stage,
  story: Story,
  { hash = '', ...options }: { hash?: string } & Parameters<Browser['newPage']>[0] = {},
): Promise<{ page: Page; errors: string[]; sockets: WebSocketRoute[] }> {
  const page = await browser.newPage(options);
  const errors: string[] = [];
  const sockets: WebSocketRoute[] = [];
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.routeWebSocket(/\/socket/, (socket) => {
    sockets.push(socket);
    const tell = (message: unknown): void => socket.send(JSON.stringify(message));
    tell({ tell: 'source', source: { kind: 'live', name: 'story' } });
    tell({ tell: 'topology', topology: story.topology });
    tell({ tell: 'moment', moment: story.moment(null) });
    socket.onMessage((text) => {
      const { id, ask, request } = JSON.parse(String(text)) as PageRequest;
      try {
        tell({ id, answer: story.answer(ask, request) });
        if (ask === 'open') tell({ tell: 'source', source: story.answer(ask, request) });
        if (ask === 'open') tell({ tell: 'moment', moment: story.moment(null) });
      } catch (error) {
        tell({ id, error: error instanceof Error ? error.message : String(error) });
      }
    });
  });
  await page.goto(`${address}/?token=t0ken${hash}`);
  return { page, errors, sockets };
}
