/** WireGuard by `wireguard-go` where the kernel has none: one process per link, which outlives the agent. */
import { spawn, type ChildProcess } from 'node:child_process';
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  watch,
} from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import type { Clock } from '@ifactor/common';
import { Daemon, readRecord, startTime } from './daemon.ts';
import { KernelError } from '../error.ts';
import { inNetns } from '../socket/libc.ts';
import { uapiReady } from './uapi.ts';

const socketFolder = '/var/run/wireguard';
const startTimeoutMs = 10_000;
const logTail = 400;

/**
 * Gives the process a socket folder of its own, so that links of one name can live in several netns. What is unmounted on the machine
 * is unmounted for it, too (propagation 'slave'): it must not hold on to a container's file system.
 */
const script = `mount --bind "$1" ${socketFolder} && cd / && exec wireguard-go --foreground "$2"`;

/**
 * `<state>/wireguard-go/<name>.<random>/` belongs to one process: its socket, its log, `record.json`.
 * `<state>/wireguard/<netns>/<name>.sock` leads tools to the socket.
 */
export class Userspace {
  readonly #folder: string;
  readonly #links: string;
  readonly #report: (error: unknown) => void;
  readonly #clock: Clock;
  readonly #daemons = new Set<Daemon>();

  /** Finds the processes that earlier agents left, and removes the files of dead ones. */
  constructor(stateDir: string, report: (error: unknown) => void, clock: Clock) {
    this.#report = report;
    this.#clock = clock;
    this.#folder = resolve(stateDir, 'wireguard-go');
    this.#links = resolve(stateDir, 'wireguard');
    // Those of dead processes go; those of living ones are recreated.
    rmSync(this.#links, { recursive: true, force: true });
    if (!existsSync(this.#folder)) return;
    for (const entry of readdirSync(this.#folder)) this.#find(join(this.#folder, entry));
  }

  /** The process that serves this link. */
  at(netns: string, name: string): Daemon | undefined {
    for (const daemon of this.#daemons) if (daemon.serves(netns, name)) return daemon;
    return undefined;
  }

  /** Whether one of the processes serves this link, by whatever name. */
  recognizes(netns: string, link: { index: number; name: string }): boolean {
    for (const daemon of this.#daemons) if (daemon.recognizes(netns, link)) return true;
    return false;
  }

  /** Starts a process with a link `name` in the netns. Its sockets stay there. Resolves when it answers. @throws KernelError */
  async create(netns: { id: string; fd: number }, name: string, operation: string): Promise<void> {
    for (const program of ['wireguard-go', 'unshare', 'mount']) if (!onPath(program)) throw lacks(program, operation);
    // The one before, whose link is no longer here.
    for (const daemon of this.#daemons) if (daemon.serves(netns.id, name) || daemon.leaves(name)) await daemon.end();
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const folder = mkdtempSync(join(this.#folder, `${name}.`));
    let daemon: Daemon | undefined;
    try {
      const start = (): ChildProcess => {
        const child = this.#spawn(netns.fd, folder, name);
        if (child.pid !== undefined) {
          daemon = this.#keep(
            folder,
            { name, socket: name, netns: netns.id, pid: child.pid, startTime: startTime(child.pid) ?? '' },
            child,
          );
        }
        return child;
      };
      await started(folder, name, start, this.#clock);
      if (daemon) await uapiReady(daemon.socket, name);
    } catch (cause) {
      const log = tail(folder);
      await daemon?.end();
      rmSync(folder, { recursive: true, force: true });
      throw new KernelError('EIO', operation, {
        cause,
        meaning: `wireguard-go did not start${log ? `: ${log}` : ''}`,
        advice: 'it needs /dev/net/tun and CAP_SYS_ADMIN',
      });
    }
  }

  /** The netns no longer exists, and neither do its links. */
  lost(netns: string): void {
    for (const daemon of this.#daemons) daemon.vanished(netns);
  }

  #spawn(fd: number, folder: string, name: string): ChildProcess {
    mkdirSync(socketFolder, { recursive: true });
    const log = openSync(join(folder, 'log'), 'a', 0o600);
    try {
      // A child starts in the netns of the thread that spawns it.
      const child = inNetns(fd, () =>
        spawn('unshare', ['--mount', '--propagation', 'slave', 'sh', '-c', script, 'sh', folder, name], {
          detached: true,
          stdio: ['ignore', log, log],
          env: { PATH: process.env['PATH'], LOG_LEVEL: 'error' },
        }),
      );
      child.unref();
      return child;
    } finally {
      closeSync(log);
    }
  }

  #find(folder: string): void {
    const record = readRecord(folder);
    if (record && startTime(record.pid) === record.startTime) this.#keep(folder, record);
    else rmSync(folder, { recursive: true, force: true });
  }

  #keep(folder: string, record: Daemon['record'], child?: ChildProcess): Daemon {
    const daemon = new Daemon(folder, record, {
      links: this.#links,
      child,
      report: this.#report,
      clock: this.#clock,
      ended: () => this.#daemons.delete(daemon),
    });
    this.#daemons.add(daemon);
    return daemon;
  }
}

/** Resolves when the socket is there, rejects when the process ends before. */
async function started(folder: string, name: string, start: () => ChildProcess, clock: Clock): Promise<void> {
  const { promise, resolve: ready, reject } = Promise.withResolvers<void>();
  const check = (): void => {
    if (existsSync(join(folder, `${name}.sock`))) ready();
  };
  const watcher = watch(folder, check);
  const cancel = clock.after(startTimeoutMs, () => reject(new Error('no socket appeared')), true);
  try {
    const child = start();
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`it ended with ${signal ?? code}`)));
    check();
    await promise;
  } finally {
    watcher.close();
    cancel();
  }
}

function onPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function lacks(program: string, operation: string): KernelError {
  return new KernelError('EOPNOTSUPP', operation, {
    module: 'wireguard',
    meaning: `this kernel has no "wireguard", and ${program} is not on PATH`,
    advice: 'load the module (modprobe wireguard), or install wireguard-go and util-linux',
  });
}

function tail(folder: string): string {
  try {
    const lines = readFileSync(join(folder, 'log'), 'utf8').split('\n');
    // Without the box that recommends the kernel's WireGuard.
    return lines
      .filter((line) => !/^[┌│└]/.test(line))
      .join('\n')
      .trim()
      .slice(-logTail);
  } catch {
    return '';
  }
}
