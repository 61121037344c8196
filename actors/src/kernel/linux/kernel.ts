/** This machine's kernel. */
import { closeSync, fstatSync, openSync, statSync, watch, type FSWatcher } from 'node:fs';
import { every, systemClock } from '@ifactor/common';
import type { Clock } from '@ifactor/common';
import { KernelError } from '../error.ts';
import type { Kernel, Netns } from '../kernel.ts';
import { RealNetns } from './netns.ts';
import { Userspace } from '../wireguard/userspace.ts';

export type KernelOptions = {
  /** Where wireguard-go processes are kept track of. */
  stateDir: string;
  /** The most links in a netns: opening one with more fails with E2BIG, and an open one is closed. Default: 20 000. */
  maxLinks?: number;
  /** Called with errors of background work, which no caller awaits. Default: a process warning. */
  report?: (error: unknown) => void;
  clock?: Clock;
};

type Open = { netns: RealNetns; ready: Promise<void>; paths: Set<string>; uses: number };

const namedNetns = '/run/netns';
const lookEveryMs = 1000;

/** Needs CAP_NET_ADMIN and CAP_SYS_ADMIN. */
export function openKernel(options: KernelOptions): Kernel {
  return new RealKernel(options);
}

class RealKernel implements Kernel {
  readonly #open = new Map<string, Open>();
  readonly #userspace: Userspace;
  readonly #report: (error: unknown) => void;
  readonly #maxLinks: number;
  #watcher: FSWatcher | undefined;
  readonly #clock: Clock;
  #endLooking: (() => void) | undefined;

  constructor({ stateDir, report = warn, maxLinks = 20_000, clock = systemClock }: KernelOptions) {
    this.#clock = clock;
    this.#maxLinks = maxLinks;
    this.#userspace = new Userspace(stateDir, report, clock);
    this.#report = report;
  }

  async open(path: string): Promise<Netns> {
    const operation = `open netns ${path}`;
    const fd = attempt(operation, () => openSync(path, 'r'));
    const id = String(fstatSync(fd, { bigint: true }).ino);
    let open = this.#open.get(id);
    if (open) closeSync(fd);
    else open = attempt(operation, () => this.#make(fd, id));
    open.uses++;
    open.paths.add(path);
    this.#watchPaths();
    try {
      await open.ready;
    } catch (error) {
      this.#release(id, open);
      throw error;
    }
    return open.netns;
  }

  async close(): Promise<void> {
    for (const { netns } of this.#open.values()) netns.shut();
    this.#open.clear();
    this.#watchPaths();
  }

  #make(fd: number, id: string): Open {
    let open: Open | undefined;
    let netns: RealNetns;
    try {
      netns = new RealNetns({
        fd,
        id,
        userspace: this.#userspace,
        maxLinks: this.#maxLinks,
        clock: this.#clock,
        handlers: {
          report: this.#report,
          crowded: (reason) => open && this.#lose(id, open, reason),
          released: () => open && this.#release(id, open),
        },
      });
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    open = { netns, ready: netns.start(), paths: new Set(), uses: 0 };
    this.#open.set(id, open);
    return open;
  }

  #release(id: string, open: Open): void {
    if (this.#open.get(id) !== open || --open.uses > 0) return;
    this.#open.delete(id);
    open.netns.shut();
    // Closed because the netns ended: processes that served its links must release their ports.
    if ([...open.paths].every((path) => inode(path) !== id)) this.#userspace.lost(id);
    this.#watchPaths();
  }

  #lose(id: string, open: Open, reason: string): void {
    if (this.#open.get(id) !== open) return;
    this.#open.delete(id);
    open.netns.shut(reason);
    this.#watchPaths();
  }

  /** Our sockets keep a netns alive, so the kernel never reports its end: check whether a path still leads to it. */
  #look(): void {
    for (const [id, open] of this.#open) {
      for (const path of open.paths) if (inode(path) !== id) open.paths.delete(path);
      if (open.paths.size > 0) continue;
      this.#open.delete(id);
      open.netns.shut('no path leads to it any more');
      this.#userspace.lost(id);
    }
    this.#watchPaths();
  }

  #watchPaths(): void {
    if (this.#open.size === 0) {
      this.#watcher?.close();
      this.#watcher = undefined;
      this.#endLooking?.();
      this.#endLooking = undefined;
      return;
    }
    this.#endLooking ??= every(this.#clock, lookEveryMs, () => this.#look());
    if (this.#watcher || !statSync(namedNetns, { throwIfNoEntry: false })) return;
    this.#watcher = watch(namedNetns, { persistent: false }, () => this.#look());
    this.#watcher.on('error', this.#report);
  }
}

function inode(path: string): string | undefined {
  try {
    return String(statSync(path, { bigint: true }).ino);
  } catch {
    return undefined;
  }
}

/** Runs `act`; errors of system calls become KernelError. */
function attempt<T>(operation: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    if (cause instanceof KernelError) throw cause;
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'EIO';
    throw new KernelError(code, operation, { cause, meaning: cause instanceof Error ? cause.message : String(cause) });
  }
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : new Error(String(error)));
}
