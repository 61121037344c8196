/** Keeps a cache equal to the kernel: dumps at first and after each loss, notifications in between. */
import type { Clock } from '@ifactor/common';
import { Cache, type Notification } from './cache.ts';
import { isKernelError, KernelError } from '../error.ts';
import type { NetnsChange } from '../kernel.ts';
import { Monitor } from '../socket/monitor.ts';
import type { Socket, SocketHandlers } from '../socket/socket.ts';

const dumpTries = 5;
const retryAfterMs = 1000;

export type KernelFollowerParts = {
  clock: Clock;
  source: KernelSource;
  handlers: KernelFollowerHandlers;
  /** The most links that are cached. */
  maxLinks: number;
};

/** Where a follower reads. */
export type KernelSource = {
  openMonitor: (handlers: SocketHandlers) => Socket;
  /** Reads all links, then all addresses. Resolves to true if the kernel says that entries may be missing. */
  dump(fold: (notification: Notification) => void): Promise<boolean>;
  /** Last word on each link before it enters the cache. */
  present(notification: Notification): Notification;
};

export type KernelFollowerHandlers = {
  emit(change: NetnsChange): void;
  report: (error: unknown) => void;
  /** The netns now has more links than `maxLinks`. */
  crowded(reason: string): void;
};

export class KernelFollower {
  readonly cache = new Cache();
  readonly #parts: KernelFollowerParts;
  readonly #monitor: Monitor;
  /** Notifications that arrive while the kernel is read again. */
  #held: Notification[] | undefined;
  #reading: Promise<void> | undefined;
  #again = false;
  #cancelRetry: (() => void) | undefined;
  #closed = false;

  constructor(parts: KernelFollowerParts) {
    this.#parts = parts;
    const handlers = {
      notification: (notification: Notification) => this.#notified(parts.source.present(notification)),
      overrun: () => this.#recover(),
    };
    this.#monitor = new Monitor(parts.source.openMonitor, handlers, parts.clock);
  }

  async barrier(): Promise<void> {
    if (this.#closed) throw new KernelError('ECLOSED', 'wait for the kernel');
    await this.#monitor.barrier();
    // Set before the barrier was released, if anything that it waits for is to be had by reading only.
    await this.#reading;
  }

  /** For changes without a timely notification: some on a link that is down, the peer of a veth, carrier. */
  refresh(link: number | string): void {
    this.#monitor.refresh(link);
  }

  /** What the kernel has at the time of this call, or later, is in the cache when it resolves. */
  async resync(): Promise<void> {
    if (this.#closed) throw new KernelError('ECLOSED', 'read the kernel again');
    if (this.#reading) this.#again = true;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  close(): void {
    this.#closed = true;
    this.#cancelRetry?.();
    this.#monitor.close();
  }

  #notified(notification: Notification): void {
    if (this.#held) this.#held.push(notification);
    else this.#fold(notification);
  }

  #fold(notification: Notification): void {
    if (this.#closed) return;
    this.#tell(this.cache.fold(notification));
    const { maxLinks, handlers } = this.#parts;
    if (this.cache.size > maxLinks) handlers.crowded(`it has more than ${maxLinks} links`);
  }

  #tell(change: NetnsChange | undefined): void {
    if (change && !this.#closed) this.#parts.handlers.emit(change);
  }

  /**
   * What is notified from the first barrier on is newer than the dump or already in it: so dump, fold those notifications over
   * it, and end as the kernel is. What came before the barrier may have gaps. The second barrier collects what was still queued
   * when the dump ended.
   */
  async #read(): Promise<void> {
    let tries = 0;
    do {
      this.#again = false;
      await this.#monitor.barrier();
      this.#held = [];
      try {
        const next = new Cache();
        const interrupted = await this.#parts.source.dump((notification) => {
          if (next.size <= this.#parts.maxLinks) next.fold(this.#parts.source.present(notification));
        });
        if (next.size > this.#parts.maxLinks) throw crowded(this.#parts.maxLinks);
        await this.#monitor.barrier();
        if (interrupted && ++tries < dumpTries) this.#again = true;
        for (const notification of this.#held) next.fold(notification);
        this.#held = undefined;
        for (const change of this.cache.replace(next)) this.#tell(change);
        this.#tell({ type: 'resync' });
      } finally {
        for (const notification of this.#held?.splice(0) ?? []) this.#fold(notification);
        this.#held = undefined;
      }
    } while (this.#again && !this.#closed);
  }

  #recover(): void {
    if (this.#closed) return;
    this.resync().catch((error: unknown) => {
      if (this.#closed || isKernelError(error, 'ECLOSED')) return;
      if (isKernelError(error, 'E2BIG')) return this.#parts.handlers.crowded(error.message);
      this.#parts.handlers.report(error);
      this.#cancelRetry?.();
      this.#cancelRetry = this.#parts.clock.after(retryAfterMs, () => this.#recover(), true);
    });
  }
}

function crowded(maxLinks: number): KernelError {
  return new KernelError('E2BIG', 'read its links', {
    meaning: `there are more than ${maxLinks}`,
    advice: 'remove some, or start the agent with a greater --max-links',
  });
}
