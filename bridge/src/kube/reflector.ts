import { Backoff, sleep, systemClock, systemRandom } from '@ifactor/common';
import type { Clock, Random } from '@ifactor/common';
import type { Outage } from '../view/outage.ts';
import type { Client } from './client.ts';
import { answered, ApiError } from './error.ts';
import type { Status } from './error.ts';
import { keyOf } from './object.ts';
import type { KubeObject } from './object.ts';
import { apiVersionOf, pathOf } from './resource.ts';
import type { Resource } from './resource.ts';

/** What the API server has of one resource, in all namespaces, kept up by list and watch. */
export type Reflector = {
  get(key: string): KubeObject | undefined;
  all(): Iterable<KubeObject>;
  /** Resolves at the first complete list, or when the server forbids it. */
  readonly settled: Promise<void>;
  /** True while the server forbids reading the resource. */
  readonly forbidden: boolean;
  /** Resolves after the signal given at the start was aborted and all work has ended. */
  readonly stopped: Promise<void>;
};

export type ReflectorOptions = {
  client: Client;
  resource: Resource;
  /** Told while the server cannot be read. */
  outage: Outage;
  signal: AbortSignal;
  /** Called one at a time, after the store holds the new value; `object` is undefined when it is gone. */
  onChange: (key: string, object: KubeObject | undefined, before: KubeObject | undefined) => void;
  /** Objects per page of a list. */
  page?: number;
  clock?: Clock;
  random?: Random;
};

type List = { metadata: { resourceVersion: string; continue?: string }; items: KubeObject[] };
type WatchEvent = { type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'; object: KubeObject };

/** A watch this long without a word (bookmarks come every minute) is taken for dead and begun again. */
const silenceMs = 5 * 60_000;
/** In milliseconds. */
const retry = { first: 200, most: 10_000 };

/** Starts listing and watching; never gives up until the signal is aborted. */
export function reflect(options: ReflectorOptions): Reflector {
  const { client, resource, outage, signal, onChange, page = 500 } = options;
  const { clock = systemClock, random = systemRandom } = options;
  const path = pathOf(resource);
  const store = new Map<string, KubeObject>();
  const settled = Promise.withResolvers<void>();
  const backoff = new Backoff(retry, random);
  let forbidden = false;
  /** Where to watch from; undefined: list first. */
  let version: string | undefined;

  function put(object: KubeObject): void {
    const key = keyOf(object);
    const before = store.get(key);
    if (
      before?.metadata.uid === object.metadata.uid &&
      before.metadata.resourceVersion === object.metadata.resourceVersion
    )
      return;
    // Items of a list of a built-in resource carry neither.
    const whole = { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind };
    store.set(key, whole);
    onChange(key, whole, before);
  }

  function drop(key: string): void {
    const before = store.get(key);
    if (store.delete(key)) onChange(key, undefined, before);
  }

  /** Replaces the store's content by what the server has; returns the resourceVersion to watch from. */
  async function list(): Promise<string> {
    const seen = new Set<string>();
    for (let token: string | undefined; ;) {
      const answer: List = await client.call('GET', path, { query: { limit: page, continue: token }, signal });
      for (const item of answer.items) {
        seen.add(keyOf(item));
        put(item);
      }
      token = answer.metadata.continue;
      if (token !== undefined && token !== '') continue;
      // Only a complete list proves that something is gone.
      for (const key of store.keys()) if (!seen.has(key)) drop(key);
      return answer.metadata.resourceVersion;
    }
  }

  /** Follows changes until the server ends the watch. @throws ApiError 410 when `version` is too old */
  async function watch(): Promise<void> {
    const silent = new AbortController();
    const expectWord = (): (() => void) =>
      clock.after(silenceMs, () => silent.abort(new Error('the watch fell silent')), true);
    const query = {
      watch: true,
      allowWatchBookmarks: true,
      resourceVersion: version,
      timeoutSeconds: 240 + Math.floor(random.fraction() * 120),
    };
    let cancel = expectWord();
    try {
      for await (const line of client.lines(
        path,
        { query, signal: AbortSignal.any([signal, silent.signal]) },
        recovered,
      )) {
        cancel();
        cancel = expectWord();
        const { type, object } = JSON.parse(line) as WatchEvent;
        if (type === 'ERROR') {
          const status = object as unknown as Status;
          throw new ApiError(status.code ?? 500, status, `watch ${path}`);
        }
        if (type === 'DELETED') drop(keyOf(object));
        else if (type !== 'BOOKMARK') put(object);
        version = object.metadata.resourceVersion;
      }
    } finally {
      cancel();
    }
  }

  function recovered(): void {
    outage.up(resource.plural);
  }

  async function round(): Promise<void> {
    if (version === undefined) {
      version = await list();
      forbidden = false;
      recovered();
      settled.resolve();
    }
    const started = clock.monotonic();
    await watch();
    // A server that ends each watch at once must not be asked in a tight loop.
    if (clock.monotonic() - started < 1000) await sleep(clock, backoff.next(), signal);
    else backoff.reset();
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      const began = clock.monotonic();
      try {
        await round();
      } catch (error) {
        if (signal.aborted) return;
        if (clock.monotonic() - began > 5000) backoff.reset();
        if (answered(error, 410)) {
          // Too old to go on from: list again, which finds deletions by comparing.
          version = undefined;
          await sleep(clock, backoff.next(), signal);
          continue;
        }
        if (answered(error, 401, 403, 404)) version = undefined;
        if (answered(error, 403)) {
          forbidden = true;
          settled.resolve();
        }
        outage.down(resource.plural, hint(error, resource), error);
        const asked = error instanceof ApiError ? (error.retryAfter ?? 0) * 1000 : 0;
        await sleep(clock, Math.max(asked, backoff.next()), signal);
      }
    }
  }

  const stopped = run();
  return {
    get: (key) => store.get(key),
    all: () => store.values(),
    settled: settled.promise,
    get forbidden() {
      return forbidden;
    },
    stopped,
  };
}

function hint(error: unknown, { plural, group }: Resource): string {
  if (answered(error, 404))
    return `waiting for the API server to know ${plural}.${group}: apply the CRDs (kubectl apply -f crds/)`;
  if (answered(error, 401, 403)) return `the API server does not let the bridge read ${plural}: see bridge/rbac.yaml`;
  return 'waiting for the API server';
}
