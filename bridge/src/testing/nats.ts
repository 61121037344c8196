import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { connectOnce } from '@ifactor/common/nats';
import type { NatsConnection } from '@nats-io/transport-node';

/** A real nats-server with JetStream on a free loopback port. */
export type NatsServer = {
  readonly url: string;
  connect(name?: string): Promise<NatsConnection>;
  /** Ends the server; `start` brings it back on the same port with the same store. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  start(): Promise<void>;
  /** Deletes the store of a stopped server. */
  forget(): void;
  [Symbol.asyncDispose](): Promise<void>;
};

export async function startNats(): Promise<NatsServer> {
  const store = mkdtempSync(join(tmpdir(), 'ift-nats-'));
  const port = await freePort();
  const url = `nats://127.0.0.1:${port}`;
  const connections: NatsConnection[] = [];
  let child: ReturnType<typeof spawn> | undefined;
  const server: NatsServer = {
    url,
    async connect(name = 'test') {
      const connection = await connectOnce({ servers: url, name });
      connections.push(connection);
      return connection;
    },
    async start() {
      const started = spawn(program(), ['-js', '-a', '127.0.0.1', '-p', String(port), '-sd', store], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      child = started;
      await new Promise<void>((resolve, reject) => {
        let said = '';
        started.once('error', reject);
        started.once('exit', (code) => reject(new Error(`nats-server ended (${code}): ${said}`)));
        started.stderr.on('data', (chunk: Buffer) => {
          said += chunk.toString();
          if (said.includes('Server is ready')) resolve();
        });
      });
    },
    async stop(signal = 'SIGTERM') {
      const running = child;
      child = undefined;
      if (running === undefined || running.exitCode !== null) return;
      const ended = new Promise((resolve) => running.once('exit', resolve));
      running.kill(signal);
      await ended;
    },
    forget: () => rmSync(store, { recursive: true, force: true }),
    async [Symbol.asyncDispose]() {
      await Promise.all(connections.map((connection) => connection.close()));
      await server.stop('SIGKILL');
      server.forget();
    },
  };
  // A test that runs out of time is never disposed of.
  process.once('exit', () => {
    child?.kill('SIGKILL');
    server.forget();
  });
  await server.start();
  return server;
}

/** IFACTOR_NATS_SERVER, else the one on PATH, else the one that the lab fetched into its cache. */
function program(): string {
  const { IFACTOR_NATS_SERVER: given, IFACTOR_CACHE, XDG_CACHE_HOME, PATH = '' } = process.env;
  if (given) return given;
  const cache = IFACTOR_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'ifactor');
  const fetched = existsSync(cache) ? readdirSync(cache).filter((name) => name.startsWith('nats-server')) : [];
  const folders = [...PATH.split(delimiter), ...fetched.map((name) => join(cache, name))];
  const found = folders.map((folder) => join(folder, 'nats-server')).find((path) => existsSync(path));
  if (found === undefined)
    throw new Error('no nats-server: put one of 2.10 or newer on PATH, or name it in IFACTOR_NATS_SERVER');
  return found;
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}

/** Waits until `check` returns something, and returns that. @throws Error after `milliseconds` */
export async function until<T>(
  check: () => T | undefined | false | Promise<T | undefined | false>,
  what = 'condition',
  milliseconds = 15_000,
): Promise<T> {
  const end = Date.now() + milliseconds;
  for (;;) {
    const found = await check();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`${what} did not come true within ${milliseconds} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
