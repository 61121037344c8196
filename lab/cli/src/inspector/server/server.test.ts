import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import type { IncomingHttpHeaders, RequestOptions } from 'node:http';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { Feed } from '../feed.ts';
import { serveInspector } from './server.ts';
import type { Inspector } from './server.ts';

let folder: string;
let inspector: Inspector;
let token: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ift-dist-'));
  mkdirSync(join(folder, 'dist/assets'), { recursive: true });
  mkdirSync(join(folder, 'dist/.vite'));
  for (const [name, content] of [
    ['dist/index.html', '<!doctype html>'],
    ['dist/assets/a-1.js', '1'],
    ['dist/.vite/manifest.json', '{}'],
    ['secret.json', '{}'],
  ] as const) {
    writeFileSync(join(folder, name), content);
  }
  inspector = await serveInspector(new Feed({ kind: 'live', name: 'nats' }), {
    port: 0,
    page: async () => join(folder, 'dist'),
  });
  token = new URL(inspector.url).searchParams.get('token') ?? '';
});
afterAll(async () => {
  await inspector.close();
  rmSync(folder, { recursive: true });
});

type Response = { status: number; headers: IncomingHttpHeaders; body: string };

async function fetchRaw(path: string, options: RequestOptions = {}): Promise<Response> {
  const asked = request({ host: '127.0.0.1', port: inspector.port, path, ...options }).end();
  const [response] = (await once(asked, 'response')) as [
    Parameters<typeof text>[0] & { statusCode: number; headers: IncomingHttpHeaders },
  ];
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

/** What comes of a socket: its first message, its close code, or the status that refused it. */
async function reach(query: string, headers: Record<string, string> = {}): Promise<string | number> {
  const socket = new WebSocket(`ws://127.0.0.1:${inspector.port}/socket${query}`, { headers });
  const { promise, resolve } = Promise.withResolvers<string | number>();
  socket.on('message', (data) => resolve((data as Buffer).toString()));
  socket.on('close', (code) => resolve(code));
  socket.on('unexpected-response', (_, response) => resolve(response.statusCode ?? 0));
  socket.on('error', () => {});
  const result = await promise;
  socket.terminate();
  return result;
}

test('the page comes with a policy that lets nothing in from elsewhere, nor anything inline', async () => {
  const { status, headers, body } = await fetchRaw('/');
  expect({ status, body }).toEqual({ status: 200, body: '<!doctype html>' });
  const policy = String(headers['content-security-policy']);
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/unsafe|https?:|data:|\*/);
  expect(headers).toMatchObject({
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-cache',
    'content-type': 'text/html; charset=utf-8',
  });
  expect((await fetchRaw('/assets/a-1.js')).headers).toMatchObject({
    'cache-control': 'public, max-age=31536000, immutable',
    'content-type': 'text/javascript; charset=utf-8',
  });
});

test.each([
  '/../secret.json',
  '/%2e%2e/secret.json',
  '/assets/..%2f..%2fsecret.json',
  '/.vite/manifest.json',
  '/index.html%00.js',
  '/%',
  '//',
  '/assets',
])('%s is no file of the page', async (path) => {
  expect((await fetchRaw(path)).status).toBe(404);
});

describe('who may ask', () => {
  test.each(['evil.example', '127.0.0.1', 'localhost:1', '[::1]:80'])(
    'not one who calls the server %j',
    async (host) => {
      expect((await fetchRaw('/', { headers: { host } })).status).toBe(421);
      expect(await reach(`?token=${token}`, { host })).toBe(403);
    },
  );

  test.each(['http://evil.example', 'null', 'https://localhost', 'http://localhost:1'])(
    'not a page of %j',
    async (origin) => {
      expect((await fetchRaw('/', { headers: { origin } })).status).toBe(403);
      expect(await reach(`?token=${token}`, { origin })).toBe(403);
    },
  );

  test.each(['', '?token=', '?token=wrong', `?token=${'A'.repeat(32)}`])('not one with the token %j', async (query) => {
    expect(await reach(query)).toBe(4401);
  });

  test('a page of this server with the token', async () => {
    const origin = `http://localhost:${inspector.port}`;
    expect(JSON.parse(String(await reach(`?token=${token}`, { origin })))).toMatchObject({ tell: 'source' });
    expect(await reach(`?token=${token}`)).toContain('source');
  });

  test('nobody on another machine', async () => {
    const outside = Object.values(networkInterfaces())
      .flatMap((list) => list ?? [])
      .filter(({ internal, family }) => !internal && family === 'IPv4');
    for (const { address } of outside) {
      const asked = request({ host: address, port: inspector.port, path: '/' }).end();
      await expect(once(asked, 'response')).rejects.toThrow('ECONNREFUSED');
    }
  });
});

test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])(
  '%s is refused: nothing can be changed here',
  async (method) => {
    expect(await fetchRaw('/', { method })).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
  },
);

test('two inspectors have different tokens, and a port is had once', async () => {
  const feed = new Feed({ kind: 'live', name: 'nats' });
  const other = await serveInspector(feed, { port: 0, page: async () => folder });
  expect(new URL(other.url).searchParams.get('token')).not.toBe(token);
  await expect(serveInspector(feed, { port: other.port, page: async () => folder })).rejects.toThrow(
    'give another with --port',
  );
  await other.close();
});

test('what a node says reaches the page without control characters', async () => {
  const feed = new Feed({ kind: 'live', name: 'na\u001b[31m\u009bts' });
  const other = await serveInspector(feed, { port: 0, page: async () => folder });
  const address = new URL(other.url);
  const socket = new WebSocket(`ws://${address.host}/socket${address.search}`);
  const [told] = (await once(socket, 'message')) as [Buffer];
  expect(JSON.parse(told.toString())).toEqual({
    tell: 'source',
    source: { kind: 'live', name: 'na\\u001b[31m\\u009bts' },
  });
  socket.terminate();
  await other.close();
});
