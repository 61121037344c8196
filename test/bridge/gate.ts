import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readKubeconfig } from '@ifactor/bridge';
import { stringify } from 'yaml';
import { createValve } from './valve.ts';
import type { Valve } from './valve.ts';

/** One request as it passed: `PATCH netlinkinterfaces/br1/status`. */
export type Passed = { method: string; path: string };

/** Stands before an API server: counts what passes, and refuses what it is told to refuse. */
export type Gate = {
  /** A kubeconfig that leads through the gate. */
  kubeconfig: string;
  passed: Passed[];
  /** Answers 403 to every request of which this holds; also ends the watches that are open. */
  refuse(when: (request: Passed) => boolean): void;
  open(): void;
  /** What is answered to requests of which `slow` holds, open watches included. */
  readonly answers: Valve;
  /** Which answers pass the valve, from their next byte on; those of no request at first. */
  slow(when: (request: Passed) => boolean): void;
  [Symbol.asyncDispose](): Promise<void>;
};

const nothing = (): boolean => false;

export async function startGate(kubeconfig: string): Promise<Gate> {
  const access = await readKubeconfig(kubeconfig);
  const send = access.server.protocol === 'https:' ? httpsRequest : httpRequest;
  const passed: Passed[] = [];
  let refuses: (request: Passed) => boolean = nothing;
  let isSlow: (request: Passed) => boolean = nothing;
  const answers = createValve();

  async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', access.server);
    const path = url.pathname.replace(/^\/apis?(\/[^/]+)?\/v1(alpha1)?(\/namespaces\/[^/]+(?=\/))?\//, '');
    const one = { method: request.method ?? '', path };
    passed.push(one);
    if (refuses(one)) {
      const status = { kind: 'Status', status: 'Failure', code: 403, reason: 'Forbidden', message: 'no more' };
      response.writeHead(403, { 'content-type': 'application/json' }).end(JSON.stringify(status));
      return;
    }
    const options = await access.options();
    const headers = { ...request.headers, ...(options.headers as Record<string, string> | undefined), host: url.host };
    const upstream = send(url, { ...options, method: one.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      const write = (chunk: Buffer): void => void (response.destroyed || response.write(chunk));
      const end = (): void => void response.end();
      answer.on('data', (chunk: Buffer) => (isSlow(one) ? answers.pass(chunk, write) : write(chunk)));
      answer.on('end', () => (isSlow(one) ? answers.pass(Buffer.alloc(0), end) : end()));
    });
    upstream.on('error', () => response.destroy());
    response.on('close', () => upstream.destroy());
    request.pipe(upstream);
  }

  const server = createServer((request, response) => void forward(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a listening TCP server has an address');
  const folder = await mkdtemp(join(tmpdir(), 'ift-gate-'));
  const file = join(folder, 'config');
  await writeFile(
    file,
    stringify({
      'current-context': 'gate',
      contexts: [{ name: 'gate', context: { cluster: 'gate' } }],
      clusters: [{ name: 'gate', cluster: { server: `http://127.0.0.1:${address.port}` } }],
    }),
  );
  return {
    kubeconfig: file,
    passed,
    refuse(when) {
      refuses = when;
      server.closeAllConnections();
    },
    open() {
      refuses = nothing;
    },
    answers,
    slow(when) {
      isSlow = when;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true });
    },
  };
}
