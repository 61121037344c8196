import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { KubeFailed } from './error.ts';
import type { Service } from './process.ts';

const READY_MS = 120_000;

/** Polls until the server says it is ready and has made the namespace `default`: it offers no event for either. */
export async function ready(
  url: string,
  token: string,
  caFile: string,
  running: Service[],
  report: (line: string) => void,
): Promise<void> {
  const limit = AbortSignal.timeout(READY_MS);
  let last = '';
  const poll = async () => {
    for (const path of ['/readyz', '/api/v1/namespaces/default']) {
      for (;;) {
        const answer = await get(url + path, token, caFile).catch((error: Error) => error.message);
        if (answer === 200) break;
        if (limit.aborted)
          throw new KubeFailed(`kube-apiserver was not ready within ${READY_MS / 1000} s: ${path} answered ${answer}`);
        if (`${path} ${answer}` !== last) report(`waiting for kube-apiserver: ${path} answers ${answer}`);
        last = `${path} ${answer}`;
        await delay(100);
      }
    }
  };
  await Promise.race([poll(), ...running.map((service) => service.ended)]);
}

async function get(url: string, token: string, caFile: string): Promise<number> {
  const ca = await readFile(caFile);
  return new Promise((resolve, reject) => {
    const call = request(
      url,
      { ca, headers: { authorization: `Bearer ${token}` }, timeout: 5000, agent: false },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    call.once('timeout', () => call.destroy(new Error('no answer in 5 s')));
    call.once('error', reject);
    call.end();
  });
}

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a listening TCP server has an address');
  return address.port;
}
