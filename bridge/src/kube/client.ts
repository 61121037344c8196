import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { RequestOptions } from 'node:https';
import { text } from 'node:stream/consumers';
import { ApiError, MalformedAnswerError } from './error.ts';
import type { Status } from './error.ts';
import type { Access } from './kubeconfig.ts';

export type Query = Record<string, string | number | boolean | undefined>;
export type Call = {
  query?: Query;
  body?: unknown;
  /** The kind of patch. */
  patch?: 'merge' | 'json';
  signal?: AbortSignal;
};

const types = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
} as const;
/** Timeout of a plain request; watches are not plain. */
const timeoutMs = 30_000;

/**
 * JSON over HTTP to one API server, http and https alike. Uses node:http instead of client-node: its API classes
 * cost 0.9 s and 90 MB at import, and its Watch swallows exceptions of callbacks.
 */
export type Client = {
  /** @throws ApiError if the server refuses, MalformedAnswerError if the response is not JSON, Error if it cannot be reached. */
  call<T>(method: string, path: string, call?: Call): Promise<T>;
  /** The lines of a watch, until the server ends it; `opened` is called when it begins. @throws as `call` */
  lines(path: string, call: Call, opened: () => void): AsyncGenerator<string, void, undefined>;
  close(): void;
};

export function createClient({ server, options }: Access): Client {
  const secure = server.protocol === 'https:';
  const agent = secure
    ? new HttpsAgent({ keepAlive: true, maxSockets: 64 })
    : new HttpAgent({ keepAlive: true, maxSockets: 64 });
  const base = server.pathname.replace(/\/$/, '');

  async function send(
    method: string,
    path: string,
    { query = {}, body, patch, signal }: Call,
  ): Promise<IncomingMessage> {
    const extra = await options();
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value));
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const request: RequestOptions = {
      agent,
      ...extra,
      method,
      protocol: server.protocol,
      hostname: server.hostname.replace(/^\[|\]$/g, ''),
      port: server.port,
      path: `${base}${path}${parameters.size > 0 ? `?${parameters.toString()}` : ''}`,
      ...(signal && { signal }),
      headers: {
        ...(extra.headers as OutgoingHttpHeaders | undefined),
        accept: 'application/json',
        'user-agent': 'ifactor-bridge',
        ...(payload !== undefined && {
          'content-type': patch === undefined ? 'application/json' : types[patch],
          'content-length': Buffer.byteLength(payload),
        }),
      },
    };
    return new Promise((resolve, reject) => {
      const outgoing = (secure ? httpsRequest : httpRequest)(request, resolve);
      // Keepalive detects a dead peer on a connection that is otherwise silent for as long as a watch lasts.
      outgoing.on('socket', (socket) => socket.setKeepAlive(true, 15_000));
      outgoing.once('error', (cause) => reject(new Error(`${method} ${server.origin}${path}`, { cause })));
      outgoing.end(payload);
    });
  }

  return {
    async call<T>(method: string, path: string, call: Call = {}): Promise<T> {
      const limit = AbortSignal.timeout(timeoutMs);
      const signal = call.signal === undefined ? limit : AbortSignal.any([limit, call.signal]);
      const response = await send(method, path, { ...call, signal });
      if ((response.statusCode ?? 0) >= 300) return refuse(method, path, response);
      const answer = await text(response);
      try {
        return JSON.parse(answer) as T;
      } catch (cause) {
        throw new MalformedAnswerError(`${method} ${path}: the answer is not JSON`, { cause });
      }
    },
    async *lines(path, call, opened) {
      const response = await send('GET', path, call);
      if (response.statusCode !== 200) await refuse('GET', path, response);
      opened();
      let rest = '';
      response.setEncoding('utf8');
      try {
        for await (const chunk of response as AsyncIterable<string>) {
          const parts = (rest + chunk).split('\n');
          rest = parts.pop() ?? '';
          yield* parts.filter((line) => line !== '');
        }
      } finally {
        response.destroy();
      }
    },
    close: () => agent.destroy(),
  };
}

async function refuse(method: string, path: string, response: IncomingMessage): Promise<never> {
  const code = response.statusCode ?? 0;
  const answer = await text(response).catch(() => '');
  throw new ApiError(code, statusFrom(answer), `${method} ${path}`);
}

function statusFrom(answer: string): Status {
  try {
    const status = JSON.parse(answer) as Status;
    if (status.kind === 'Status') return status;
  } catch {
    // A proxy may respond with text that is no Status.
  }
  return { message: answer.trim().slice(0, 200) };
}
