import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** A real nats-server with JetStream for a test. */
export type TestNats = {
  readonly url: string;
  readonly port: number;
  /** Ends it with a signal and waits; SIGKILL leaves the store as it lies. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port and store. */
  start(): Promise<void>;
  /** Removes its store; only while it does not run. */
  wipe(): void;
  /** SIGSTOP and SIGCONT: it keeps its connections and says nothing. */
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
};

/** Path of nats-server: IFACTOR_NATS_SERVER, else PATH, else the one that the lab fetched. @throws Error that says what to do */
export function natsServer(): string {
  const { IFACTOR_NATS_SERVER, IFACTOR_CACHE, XDG_CACHE_HOME, PATH = '' } = process.env;
  if (IFACTOR_NATS_SERVER) return IFACTOR_NATS_SERVER;
  const cache = IFACTOR_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'ifactor');
  const fetched = existsSync(cache) ? readdirSync(cache).filter((name) => name.startsWith('nats-server')) : [];
  const candidates = [
    ...PATH.split(delimiter).map((folder) => join(folder, 'nats-server')),
    ...fetched.map((name) => join(cache, name, 'nats-server')),
  ];
  const found = candidates.find((path) => existsSync(path));
  if (found === undefined)
    throw new Error('no nats-server: put one of 2.10 or newer on PATH, or name it in IFACTOR_NATS_SERVER');
  return found;
}

/** Starts a server on a free loopback port; its store lies in `<folder>/nats`. */
export async function startNats(folder: string): Promise<TestNats> {
  const store = join(folder, 'nats');
  let port = -1;
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    const started = spawn(
      'setpriv',
      ['--pdeathsig', 'KILL', '--', natsServer(), '-a', '127.0.0.1', '-p', String(port), '-js', '-sd', store],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    child = started;
    let output = '';
    port = await new Promise<number>((resolve, reject) => {
      started.once('exit', () => reject(new Error(`nats-server ended: ${output}`)));
      started.once('error', reject);
      started.stderr.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        const listening = /Listening for client connections on 127\.0\.0\.1:(\d+)/.exec(output);
        if (listening && output.includes('Server is ready')) resolve(Number(listening[1]));
      });
    });
  };
  const kill = async (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
    const ending = child;
    child = undefined;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const exit = once(ending, 'exit');
    ending.kill(signal);
    if (signal !== 'SIGKILL') ending.kill('SIGCONT');
    await exit;
  };
  await start();
  return {
    get url() {
      return `nats://127.0.0.1:${port}`;
    },
    get port() {
      return port;
    },
    kill,
    start,
    wipe: () => rmSync(store, { recursive: true, force: true }),
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    stop: () => kill('SIGKILL'),
  };
}
