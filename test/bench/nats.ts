/** A nats-server of the bench's own, with JetStream, on a port that it chooses. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export type Server = { url: string; stop: () => Promise<void> };

/** @throws Error that says how to provide the program */
export async function startNats(folder: string): Promise<Server> {
  const program = findServer();
  const ports = join(folder, 'ports');
  await mkdir(ports, { recursive: true });
  const child = spawn(program, ['-a', '127.0.0.1', '-p', '-1', '-js', '-sd', join(folder, 'jetstream'), '--ports_file_dir', ports], { stdio: 'ignore' });
  child.on('error', () => {});
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null || child.pid === undefined) throw new Error(`${program} does not start`);
    const [file] = readdirSync(ports);
    if (file !== undefined) {
      const { nats } = JSON.parse(readFileSync(join(ports, file), 'utf8') || '{"nats":[]}') as { nats: string[] };
      if (nats[0] !== undefined) return { url: nats[0], stop: () => end(child) };
    }
    await sleep(25);
  }
  await end(child);
  throw new Error(`${program} does not say where it listens`);
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill();
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
  await ended;
  clearTimeout(timer);
}

function findServer(): string {
  const given = process.env['NATS_SERVER'];
  const found = given ?? (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'nats-server')).find((path) => existsSync(path));
  if (found === undefined) throw new Error('nats-server (2.10 or newer) is not on PATH: install it, or name it by NATS_SERVER=PATH');
  return found;
}
