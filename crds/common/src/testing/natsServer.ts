import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { jetstream, JetStreamApiError, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { connectOnce } from '../nats.ts';

/** A real nats-server with JetStream on a loopback port of its own. Disposing it ends it and removes its store. */
export type NatsServer = {
  readonly url: string;
  readonly port: number;
  /** Of the server that runs now. */
  readonly pid: number | undefined;
  /** The folder of its streams. */
  readonly store: string;
  /** A connection that is closed when the server is disposed. */
  connect(name?: string): Promise<NatsConnection>;
  /** Ends it with a signal and waits; SIGKILL leaves the store as it is on disk. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port and store. */
  start(): Promise<void>;
  /** Removes its store; only while it does not run. */
  wipe(): void;
  /** SIGSTOP and SIGCONT: it keeps its connections and does not respond. */
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

export type NatsServerOptions = {
  /** The store lies in `<folder>/nats`; default: a folder of its own, removed at the end. */
  folder?: string;
  /** Path of nats-server; default: `natsServerPath()`. */
  program?: string;
  /** Further flags of nats-server. */
  flags?: readonly string[];
  /** Default: one that the server chooses, which stays the same over restarts. */
  port?: number;
};

/** Path of nats-server: IFACTOR_NATS_SERVER, else PATH, else the one that the lab downloaded. @throws Error that says what to do */
export function natsServerPath(): string {
  const { IFACTOR_NATS_SERVER, IFACTOR_CACHE, XDG_CACHE_HOME, PATH = '' } = process.env;
  if (IFACTOR_NATS_SERVER) return IFACTOR_NATS_SERVER;
  const cache = IFACTOR_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'ifactor');
  const fetched = existsSync(cache) ? readdirSync(cache).filter((name) => name.startsWith('nats-server')) : [];
  const folders = [...PATH.split(delimiter), ...fetched.map((name) => join(cache, name))];
  const found = folders.map((folder) => join(folder, 'nats-server')).find((path) => existsSync(path));
  if (found === undefined)
    throw new Error('nats-server not found: put one of 2.10 or newer on PATH, or name it in IFACTOR_NATS_SERVER');
  return found;
}

/** Takes all room that `max_file_store` leaves, in a stream FILLER. */
export async function fillServer(connection: NatsConnection): Promise<void> {
  await (await jetstreamManager(connection)).streams.add({ name: 'FILLER', subjects: ['filler'] });
  const client = jetstream(connection);
  const message = new Uint8Array(1_000_000);
  for (;;) {
    try {
      await client.publish('filler', message);
    } catch (error) {
      if (error instanceof JetStreamApiError) return;
      throw error;
    }
  }
}

/** Starts a server and waits until it is ready. The kernel ends it with this process, however this process ends. */
export async function startNats(options: NatsServerOptions = {}): Promise<NatsServer> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'ift-nats-'));
  const program = options.program ?? natsServerPath();
  const store = join(folder, 'nats');
  const connections: NatsConnection[] = [];
  let port = options.port ?? -1;
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    const flags = ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', store, ...(options.flags ?? [])];
    const started = spawn('setpriv', ['--pdeathsig', 'KILL', '--', program, ...flags], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child = started;
    let output = '';
    port = await new Promise<number>((resolve, reject) => {
      started.once('exit', () => reject(new Error(`nats-server ended: ${output}`)));
      started.once('error', reject);
      started.stderr.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        const listening = /Listening for client connections on 127\.0\.0\.1:(\d+)/.exec(output);
        if (!listening || !output.includes('Server is ready')) return;
        resolve(Number(listening[1]));
        output = '';
      });
    });
  }

  async function kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const ending = child;
    child = undefined;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const exit = once(ending, 'exit');
    ending.kill(signal);
    if (signal !== 'SIGKILL') ending.kill('SIGCONT');
    await exit;
  }

  const wipe = (): void => rmSync(store, { recursive: true, force: true });
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true });
  if (options.folder === undefined) process.once('exit', removeFolder);
  await start();
  return {
    get url() {
      return `nats://127.0.0.1:${port}`;
    },
    get port() {
      return port;
    },
    get pid() {
      // `setpriv` replaces itself by the server.
      return child?.pid;
    },
    store,
    async connect(name = 'test') {
      const connection = await connectOnce({ servers: `nats://127.0.0.1:${port}`, name });
      connections.push(connection);
      return connection;
    },
    kill,
    start,
    wipe,
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    stop: () => kill('SIGKILL'),
    async [Symbol.asyncDispose]() {
      await Promise.all(connections.map((connection) => connection.close()));
      await kill('SIGKILL');
      process.off('exit', removeFolder);
      if (options.folder === undefined) removeFolder();
    },
  };
}
