/** For tests: places on the real kernel, listeners that can be waited for, and things that are cleaned up again. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createLog } from '@ifactor/common';
import { type ContainerSelector } from '@ifactor/crds';
import { lostNetnsWords } from '@ifactor/crds/words';
import { onTestFinished } from 'vitest';
import type { Netns } from '../../kernel/kernel.ts';
import { openKernel } from '../../kernel/linux/kernel.ts';
import type { LostReason, ResolvedNetns } from '../../containers/location.ts';
import {
  createNetnsResolver,
  type NetnsResolver,
  type NetnsResolverOptions,
  type NetnsResolverParts,
} from '../../containers/resolver.ts';
import { systemRuntime } from '../../runtime.ts';

export const run = promisify(execFile);

let count = 0;
export const unique = (): string => `ift-${process.pid}-${count++}`;

export function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'ift-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

export function makeResolver({
  maxLinks = 1000,
  processes,
  kernel: shared,
  ...options
}: NetnsResolverOptions & Partial<Omit<NetnsResolverParts, 'runtime'>> & { maxLinks?: number } = {}): NetnsResolver {
  const kernel = openKernel({ stateDir: temporaryFolder(), maxLinks });
  const places = createNetnsResolver(options, {
    kernel: shared ?? kernel,
    runtime: systemRuntime(createLog('test', 'error')),
    ...(processes === undefined ? {} : { processes }),
  });
  onTestFinished(async () => {
    places.close();
    await kernel.close();
  });
  return places;
}

export class Watch {
  readonly told: ResolvedNetns[] = [];
  readonly stop: () => void;
  #waiting: (() => void) | undefined;

  readonly #selector: ContainerSelector | null;

  constructor(places: NetnsResolver, selector: ContainerSelector | null) {
    this.#selector = selector;
    this.stop = places.follow(selector, (place) => {
      this.told.push(place);
      this.#waiting?.();
    });
  }

  /** Resolves once the latest place is as wanted. */
  async until(what: string, wanted: (place: ResolvedNetns) => boolean, within = 60_000): Promise<ResolvedNetns> {
    const ends = Date.now() + within;
    for (;;) {
      const last = this.told.at(-1);
      if (last && wanted(last)) return last;
      const left = ends - Date.now();
      if (left <= 0) throw new Error(`not ${what} within ${within} ms; told: ${JSON.stringify(this.told.map(spell))}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#waiting = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** In a netns, and not in `other`. */
  async netns(other?: Netns, within?: number): Promise<Netns> {
    const place = await this.until('in a netns', (at) => 'netns' in at && at.netns !== other, within);
    if (!('netns' in place)) throw new Error('unreachable');
    return place.netns;
  }

  /** @returns what an event says of it */
  async lost(reason: LostReason, within?: number): Promise<string> {
    const place = await this.until(`lost by ${reason}`, (at) => 'lost' in at && at.lost.reason === reason, within);
    if (!('lost' in place)) throw new Error('unreachable');
    return lostNetnsWords(reason, { selector: this.#selector, ...place.lost.params });
  }
}

function spell(place: ResolvedNetns): string {
  return 'netns' in place ? `netns ${place.netns.id}` : JSON.stringify(place.lost);
}

/** @returns the inode that `ip netns` shows for it */
export async function addNetns(name: string): Promise<string> {
  await run('ip', ['netns', 'add', name]);
  onTestFinished(() => deleteNetns(name));
  return netnsId(`/run/netns/${name}`);
}

export async function deleteNetns(name: string): Promise<void> {
  await run('ip', ['netns', 'del', name]).catch(() => {});
}

export async function netnsId(path: string): Promise<string> {
  return (await run('stat', ['-L', '-c', '%i', path])).stdout.trim();
}

/** True where this process may make network namespaces. */
export function canNetns(): boolean {
  try {
    execFileSync('unshare', ['--net', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
