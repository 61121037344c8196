import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { every, explain, sleep, systemClock } from '@ifactor/common';
import { LabError } from '../cluster/error.ts';
import { endProcesses, identify, isAlive, processesWithEnvironment, type ProcessIdentity } from '@ifactor/common/proc';
import { pathsOf } from '../cluster/paths.ts';

/** A process of the lab: how to start it and how to detect that it is ready. */
export type Program = {
  /** `nats`, `apiserver`, `bridge`, `agent/NAME`, `ui`. */
  part: string;
  command: string;
  args: string[];
  env?: Record<string, string>;
  /** A pattern in its log that marks readiness (default: a message that ends with the word `ready`), or a check polled until true. */
  ready?: RegExp | (() => Promise<boolean>);
  /** Default: 60 000. */
  readyWithinMs?: number;
};

const readyLine = / ready( [\w-]+=.*)?$/m;
const defaultReadyMs = 60_000;
const helperEndsWithinMs = 15_000;
/** Variables that our processes inherit from the caller's environment. None holds a credential. */
const inherited = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR', 'DOCKER_HOST', 'DEBUG', 'IFACTOR_CACHE', 'XDG_CACHE_HOME'];

/** Set to the lab's folder in the environment of every process of a lab, so that all are found even if the lab was killed. */
const processMark = 'IFACTOR_LAB_PROCESS';
/** In the environment of the short-lived programs that make a lab. */
export const helperMark = 'IFACTOR_LAB_HELPER';

/** The lab's processes, including those whose identity file was not written because of a crash. */
export function marked(dir: string): ProcessIdentity[] {
  return processesWithEnvironment(`${processMark}=${dir}`);
}

/**
 * Starts a process that outlives this one and logs to the lab's log folder. Resolves when the process is ready.
 * @throws LabError with the end of its log
 */
export async function start(dir: string, program: Program, abort?: AbortSignal): Promise<void> {
  abort?.throwIfAborted();
  const { part, ready = readyLine, readyWithinMs = defaultReadyMs } = program;
  const { child, path, offset } = spawnLogged(dir, program);

  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const check = async () => {
    if (ready instanceof RegExp ? ready.test(textFrom(path, offset)) : await ready()) resolve();
  };
  const watcher = watch(path, () => void check().catch(reject));
  // A server that does not log readiness is polled.
  const stopAsking = ready instanceof RegExp ? undefined : every(systemClock, 200, () => void check().catch(reject));
  const fail = (why: string) => {
    const said = textFrom(path, offset).trimEnd().split('\n').slice(-8).join('\n');
    reject(new LabError(`${part} ${why}; its log ${path} ends with:\n${said || '(nothing)'}`));
  };
  const cancel = systemClock.after(readyWithinMs, () => fail(`was not ready within ${readyWithinMs / 1000} s`), true);
  child.once('error', (cause) => reject(new LabError(`${part} could not be started: ${explain(cause)}`, { cause })));
  child.once('exit', (code, by) => fail(`ended (${by ?? `code ${code}`})`));
  const give = () => reject(abort?.reason);
  abort?.addEventListener('abort', give, { once: true });
  try {
    await check();
    await promise;
  } finally {
    watcher.close();
    stopAsking?.();
    cancel();
    abort?.removeEventListener('abort', give);
    child.removeAllListeners();
    child.unref();
  }
}

/** The process, its log, and the offset at which its own output starts. */
function spawnLogged(
  dir: string,
  { part, command, args, env = {} }: Program,
): { child: ChildProcess; path: string; offset: number } {
  const paths = pathsOf(dir);
  mkdirSync(paths.logs, { recursive: true });
  mkdirSync(paths.run, { recursive: true });
  const path = paths.log(part);
  const log = openSync(path, 'a', 0o600);
  const offset = statSync(path).size;
  const own = Object.fromEntries(
    inherited.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
  const child = spawn(command, args, {
    cwd: dir,
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...own, [processMark]: dir, ...env },
  });
  closeSync(log);
  const who = child.pid === undefined ? undefined : identify(child.pid);
  if (who) writeFileSync(paths.identity(part), JSON.stringify(who));
  return { child, path, offset };
}

/** The running process of this part. */
export function running(dir: string, part: string): ProcessIdentity | undefined {
  const path = pathsOf(dir).identity(part);
  if (!existsSync(path)) return undefined;
  try {
    const who = JSON.parse(readFileSync(path, 'utf8')) as ProcessIdentity;
    return isAlive(who) ? who : undefined;
  } catch {
    // Cut short by a crash: `endAll` finds the process by its mark.
    return undefined;
  }
}

/** Ends the process of this part if it runs. Resolves when the process has exited. */
export async function stop(dir: string, part: string, how: NodeJS.Signals = 'SIGTERM'): Promise<boolean> {
  const who = running(dir, part);
  if (who) await endProcesses(systemClock, [who], how);
  rmSync(pathsOf(dir).identity(part), { force: true });
  return who !== undefined;
}

/** Ends whatever is left of the lab's processes. */
export async function endAll(dir: string): Promise<number> {
  const left = marked(dir);
  await endProcesses(systemClock, left, 'SIGTERM', 2000);
  return left.length;
}

/** Programs that a lab's owner ran when it was killed may still make things: resolves when they have ended. */
export async function awaitHelpers(dir: string): Promise<void> {
  const limit = systemClock.monotonic() + helperEndsWithinMs;
  let left = processesWithEnvironment(`${helperMark}=${dir}`);
  while (left.length > 0 && systemClock.monotonic() < limit) {
    await sleep(systemClock, 50);
    left = left.filter(isAlive);
  }
  await endProcesses(systemClock, left);
}

function textFrom(path: string, offset: number): string {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(Math.max(0, statSync(path).size - offset));
    return buffer.toString('utf8', 0, readSync(file, buffer, 0, buffer.length, offset));
  } finally {
    closeSync(file);
  }
}
