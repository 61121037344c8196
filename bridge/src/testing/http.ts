import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createClient } from '../kube/client.ts';
import type { Client } from '../kube/client.ts';
import { createKubeApi } from '../kube/http.ts';
import type { KubeApi } from '../kube/port.ts';

export type Handler = (url: URL, response: ServerResponse, request: IncomingMessage) => void;

/** An HTTP server on loopback whose responses the test defines, and a client of it. */
export type TestServer = {
  client: Client;
  api: KubeApi;
  port: number;
  handle(handler: Handler): void;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

export async function startHttp(first: Handler, port = 0): Promise<TestServer> {
  let handler = first;
  const server = createServer((request, response) =>
    handler(new URL(request.url ?? '/', 'http://test'), response, request),
  );
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a listening TCP server has an address');
  const client = createClient({
    server: new URL(`http://127.0.0.1:${address.port}`),
    options: () => Promise.resolve({}),
  });
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    client,
    api: createKubeApi(client),
    port: address.port,
    handle(next) {
      handler = next;
    },
    stop,
    async [Symbol.asyncDispose]() {
      client.close();
      await stop();
    },
  };
}

export function json(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** The API server's response for an object that does not exist. */
export function notFound(response: ServerResponse, name = 'ifactor-bridge'): void {
  json(
    response,
    { kind: 'Status', code: 404, reason: 'NotFound', message: `"${name}" not found`, details: { name } },
    404,
  );
}
