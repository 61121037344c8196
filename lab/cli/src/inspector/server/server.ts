import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { explain, printable, UsageError } from '@ifactor/common';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { assetOf } from './assets.ts';
import type { Feed } from '../feed.ts';
import { addressOf, headers, hostFits, originFits, tokenFits } from './policy.ts';
import { fileLimit } from '../protocol.ts';
import { InspectorSession } from './session.ts';

/** Close code for a token that is wrong. */
const refused = 4401;
/** In bytes: a file of the largest size, in UTF-8 and with its quotes escaped. */
const largest = 2 * fileLimit + 2 ** 20;
/** In bytes: what may wait to be sent to one page. */
const mostWaiting = 64 * 2 ** 20;

export type InspectorOptions = {
  /** 0: any that is free. */
  port: number;
  /** Default: random. */
  token?: string;
  /** Returns the folder of the built page. Called at the first request of the page, and again after a failure. */
  page: () => Promise<string>;
};

export type Inspector = { url: string; port: number; token: string; close(): Promise<void> };

/** Serves the page and its socket on the loopback. Nothing can be changed by it. @throws UsageError where the port is taken */
export async function serveInspector(
  feed: Feed,
  { port: wanted, token = randomBytes(24).toString('base64url'), page }: InspectorOptions,
): Promise<Inspector> {
  const server = createServer((request, response) => void respond(request, response));
  let port = wanted;
  let folder: Promise<string> | undefined;

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const end = (status: number, text: string, more: Record<string, string> = {}): void => {
      response
        .writeHead(status, { ...headers, 'content-type': 'text/plain; charset=utf-8', ...more })
        .end(request.method === 'HEAD' ? undefined : `${text}\n`);
    };
    if (!hostFits(request, port)) return end(421, `ask for http://127.0.0.1:${port}/`);
    if (!originFits(request, port)) return end(403, 'cross-origin requests are refused');
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return end(405, 'only GET and HEAD are allowed', { allow: 'GET, HEAD' });
    let found: Awaited<ReturnType<typeof assetOf>>;
    try {
      folder ??= page();
      found = await assetOf(await folder, addressOf(request)?.pathname ?? '');
    } catch (error) {
      folder = undefined;
      return end(500, `the page could not be built: ${explain(error)}`);
    }
    if (found === null) return end(404, 'there is no such file in the page');
    response.writeHead(200, {
      ...headers,
      'content-type': found.type,
      'content-length': found.body.length,
      'cache-control': found.cache,
    });
    response.end(request.method === 'HEAD' ? undefined : found.body);
  }

  const sockets = new WebSocketServer({ noServer: true, maxPayload: largest });
  server.on('upgrade', (request, socket, head) => {
    if (!hostFits(request, port) || !originFits(request, port) || addressOf(request)?.pathname !== '/socket') {
      socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (opened) => {
      // A browser sees the code of a close, not that of a refused upgrade.
      if (tokenFits(request, token)) attend(feed, opened);
      else opened.close(refused, 'the token is wrong');
    });
  });

  server.listen(wanted, '127.0.0.1');
  await once(server, 'listening').catch((cause: unknown) => {
    throw new UsageError(`port ${wanted} is not available: give another with --port, or none`, { cause });
  });
  const address = server.address();
  if (address !== null && typeof address === 'object') ({ port } = address);
  return {
    url: `http://127.0.0.1:${port}/?token=${token}`,
    port,
    token,
    async close() {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}

/** Texts on the way to a page: what they hold may come from any node. */
const shown = (_name: string, value: unknown): unknown => (typeof value === 'string' ? printable(value) : value);

/** Serves one page until it disconnects. */
function attend(feed: Feed, socket: WebSocket): void {
  const session = new InspectorSession(feed, (message) => {
    // A page that does not read is disconnected; it reconnects and is sent everything again.
    if (socket.bufferedAmount > mostWaiting) socket.terminate();
    else if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message, shown));
  });
  socket.on('message', (data, binary) => {
    if (binary) socket.close(1003, 'only text messages are accepted');
    // A server receives each message as one buffer, unless it asks for fragments.
    else void session.hear((data as Buffer).toString('utf8'));
  });
  // What is too large or no WebSocket message has been answered with its close code already.
  socket.on('error', () => {});
  socket.on('close', () => session.close());
}
