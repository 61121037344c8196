/** A client for tests of the embedded API server: one request, its answer taken apart. */
import { Agent, request } from 'node:https';
import type { Json } from '@ifactor/common/json';
import { ownDefinitions, startApiServer } from '../apiserver/index.ts';
import type { ApiServer } from '../apiserver/index.ts';

export type TestAnswer = { code: number; headers: NodeJS.Dict<string | string[]>; body: Json & { message?: string } };

export type TestApiServer = {
  server: ApiServer;
  /** What the server reported as an internal error: a test that expects none looks here. */
  internalErrors: unknown[];
  /** @param body text and bytes are sent as they are, everything else as JSON */
  call(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
    agent?: Agent,
  ): Promise<TestAnswer>;
  close(): Promise<void>;
};

export async function startTestApiServer(options: { dataDir?: string } = {}): Promise<TestApiServer> {
  const internalErrors: unknown[] = [];
  const server = await startApiServer({
    definitions: ownDefinitions(),
    token: 'secret',
    ...options,
    report: (error) => internalErrors.push(error),
  });
  return {
    server,
    internalErrors,
    close: () => server.close(),
    call: (method, path, body, headers = {}, agent) =>
      new Promise((resolve, reject) => {
        const sent = request(
          {
            host: '127.0.0.1',
            port: server.port,
            path,
            method,
            ca: server.authority,
            servername: 'localhost',
            headers: { authorization: 'Bearer secret', 'content-type': 'application/json', ...headers },
            agent: agent ?? false,
          },
          (response) => {
            const chunks: Buffer[] = [];
            response.on('data', (chunk: Buffer) => chunks.push(chunk));
            response.on('end', () =>
              resolve({
                code: response.statusCode ?? 0,
                headers: response.headers,
                body: JSON.parse(Buffer.concat(chunks).toString() || '{}') as Json,
              }),
            );
          },
        );
        sent.on('error', reject);
        if (body === undefined) sent.end();
        else sent.end(typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body));
      }),
  };
}

/** An agent that keeps one connection, for what one request does to the next. */
export const oneConnection = (): Agent => new Agent({ keepAlive: true, maxSockets: 1 });
