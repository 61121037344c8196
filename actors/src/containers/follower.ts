/** Follows one target for all its listeners, and holds its netns open for as long as it lasts. */
import { explain } from '@ifactor/common';
import { isKernelError } from '../kernel/error.ts';
import type { Kernel, Netns } from '../kernel/kernel.ts';
import {
  lost,
  type LostReason,
  type ResolvedNetns,
  type NetnsWatch,
  type StartNetnsWatch,
  type NetnsLocation,
} from './location.ts';
import { RetryTimer } from './retryTimer.ts';
import type { Runtime } from '../runtime.ts';

export type NetnsListener = (place: ResolvedNetns) => void;

export type NetnsFollowerParts = {
  kernel: Kernel;
  /** What log lines name it by. */
  label: string;
  start: StartNetnsWatch;
  /** Whether the netns with this inode must not be used, since it is the agent's or the machine's. */
  isForbidden: (id: string) => boolean;
  runtime: Runtime;
};

/** After which a netns that has too many links is opened again: reading them is not cheap. */
const crowdedRetryMs = 30_000;

export class NetnsFollower {
  readonly #parts: NetnsFollowerParts;
  readonly #source: NetnsWatch;
  readonly #listeners = new Map<object, { listener: NetnsListener; told: ResolvedNetns | undefined }>();
  readonly #retry: RetryTimer;
  #wanted: NetnsLocation | undefined;
  #opening = false;
  /** What the open netns was last opened by. */
  #path: string | undefined;
  #place: ResolvedNetns | undefined;
  #unsubscribe: (() => void) | undefined;
  #stopped = false;

  constructor(parts: NetnsFollowerParts) {
    this.#parts = parts;
    this.#retry = new RetryTimer(parts.runtime.clock, { first: 20, most: 5000 });
    this.#source = parts.start((location) => this.#located(location));
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  add(listener: NetnsListener): () => void {
    const key = {};
    this.#listeners.set(key, { listener, told: undefined });
    queueMicrotask(() => this.#report(key));
    return () => {
      this.#listeners.delete(key);
    };
  }

  stop(): void {
    this.#stopped = true;
    this.#listeners.clear();
    this.#retry.reset();
    this.#source.stop();
    this.#become(undefined);
  }

  #located(location: NetnsLocation): void {
    if (this.#stopped) return;
    if ('id' in location && this.#parts.isForbidden(location.id)) return this.#located(lost('HostNetns'));
    this.#wanted = location;
    if ('lost' in location) {
      this.#retry.reset();
      this.#become(location);
      return;
    }
    // While the old netns is held open, its inode cannot be another's. Another path to it is opened, too: the kernel calls a netns
    // lost when the paths that it was opened by no longer lead there.
    const here = this.#place && 'netns' in this.#place ? this.#place.netns.id : undefined;
    if (location.id !== here || location.path !== this.#path) void this.#open();
  }

  async #open(): Promise<void> {
    if (this.#opening) return;
    this.#opening = true;
    try {
      for (let location = this.#wanted; location && 'path' in location && !this.#stopped;) {
        const opened = await this.#parts.kernel.open(location.path).catch((error: unknown) => this.#failed(error));
        const latest = this.#wanted;
        if (this.#stopped || latest !== location) {
          if (opened) opened.close();
          location = latest;
          continue;
        }
        if (!opened) return;
        if (opened.id !== location.id) {
          // Replaced between the look and the opening: what was opened is another netns than the one that was looked at.
          opened.close();
          this.#retry.schedule(() => this.#source.recheck());
          return;
        }
        this.#retry.reset();
        this.#path = location.path;
        this.#become({ netns: opened });
        return;
      }
    } finally {
      this.#opening = false;
    }
  }

  #failed(error: unknown): undefined {
    if (this.#stopped) return;
    if (isKernelError(error, 'E2BIG')) {
      this.#become(lost('TooManyLinks', { cause: explain(error) }));
      this.#retry.scheduleIn(crowdedRetryMs, () => this.#source.recheck());
      return;
    }
    const reason: LostReason = isKernelError(error, 'EPERM', 'EACCES') ? 'Forbidden' : 'NetnsNotFound';
    if (!isKernelError(error, 'ENOENT', 'ESRCH'))
      this.#parts.runtime.log.warn('netns cannot be opened', { target: this.#parts.label, error });
    this.#become(lost(reason, { cause: explain(error) }));
    this.#retry.schedule(() => this.#source.recheck());
  }

  #become(place: ResolvedNetns | undefined): void {
    const before = this.#place;
    if (place && 'netns' in place && before && 'netns' in before && before.netns === place.netns) {
      place.netns.close();
      return;
    }
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    this.#place = place;
    if (place && 'netns' in place) {
      const { netns } = place;
      this.#unsubscribe = netns.subscribe((change) => {
        if (change.type === 'lost') this.#kernelLost(netns, change.reason);
      });
    }
    for (const key of this.#listeners.keys()) this.#report(key);
    if (before && 'netns' in before) before.netns.close();
  }

  #kernelLost(netns: Netns, reason: string): void {
    if (!this.#place || !('netns' in this.#place) || this.#place.netns !== netns) return;
    this.#become(lost('NetnsNotFound', { cause: reason }));
    this.#retry.schedule(() => this.#source.recheck());
  }

  #report(key: object): void {
    const entry = this.#listeners.get(key);
    const place = this.#place;
    if (!entry || !place || entry.told === place || (entry.told && sameLoss(entry.told, place))) return;
    entry.told = place;
    try {
      entry.listener(place);
    } catch (error) {
      this.#parts.runtime.log.error('a listener failed', { target: this.#parts.label, error });
    }
  }
}

function sameLoss(a: ResolvedNetns, b: ResolvedNetns): boolean {
  return 'lost' in a && 'lost' in b && JSON.stringify(a.lost) === JSON.stringify(b.lost);
}
