/** A nats-server of the bench's own, with JetStream, on a port that it chooses. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fetchNats, findNats } from '@ifactor/lab';
import { end, own } from './processes.ts';

export type Server = { url: string; stop: () => Promise<void> };

/** The program is the lab's. @throws Error that says how to provide it */
export async function startNats(folder: string): Promise<Server> {
  const { path: program } = (await findNats()) ?? (await fetchNats((line) => console.error(line)));
  const ports = join(folder, 'ports');
  await mkdir(ports, { recursive: true });
  const child = own(
    spawn(
      program,
      ['-a', '127.0.0.1', '-p', '-1', '-js', '-sd', join(folder, 'jetstream'), '--ports_file_dir', ports],
      { stdio: 'ignore' },
    ),
  );
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
