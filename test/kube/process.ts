import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { KubeFailed } from './error.ts';

/** A server process whose output goes to a file, and which the kernel kills should its starter die first. */
export interface Service {
  readonly name: string;
  /** Rejects with KubeFailed once the process has ended, whoever ended it. Never resolves. */
  readonly ended: Promise<never>;
  /** SIGTERM, SIGKILL after `graceMs`, at once where that is 0; resolves when the process is gone. Stopping twice is not an error. */
  stop(graceMs?: number): Promise<void>;
  /** SIGSTOP and SIGCONT: it keeps its connections and says nothing. */
  freeze(): void;
  thaw(): void;
}

export function startService(program: string, flags: string[], dir: string): Service {
  const name = basename(program);
  const logFile = join(dir, `${name}.log`);
  const log = createWriteStream(logFile, { flags: 'a' });
  // PR_SET_PDEATHSIG outlives exec: no server outlives the test run, however that ends.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', program, ...flags], {
    cwd: dir,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const closed = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
    child.once('close', (code, signal) => resolve(`ended (${signal ?? `code ${code}`})`));
  });
  const ended = closed.then(async (how): Promise<never> => {
    log.end();
    await once(log, 'close');
    throw new KubeFailed(`${name} ${how}:\n${await tail(logFile)}`);
  });
  ended.catch(() => {});
  return {
    name,
    ended,
    stop: (graceMs = 10_000) => stop(child, closed, graceMs),
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
  };
}

async function stop(child: ChildProcess, closed: Promise<string>, graceMs: number): Promise<void> {
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  child.kill(graceMs === 0 ? 'SIGKILL' : 'SIGTERM');
  await closed;
  clearTimeout(timer);
}

async function tail(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-15).join('\n');
}
