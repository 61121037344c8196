import { Backoff, every, explain, sleep } from '@ifactor/common';
import type { Clock, Random } from '@ifactor/common';
import type { Outage } from '../view/outage.ts';
import { answered, ApiError, MalformedAnswerError } from './error.ts';
import { keyOf } from './object.ts';
import type { KubeObject } from './object.ts';
import type { KubeApi } from './port.ts';
import type { Resource } from './resource.ts';

/** How an object left the store: the watch said DELETED, or a complete list no longer had it. */
export type Removal = 'deleted' | 'unlisted';

/** A change of the store, reported after the store was updated; `object` is undefined if it was removed. */
export type Change = {
  key: string;
  object: KubeObject | undefined;
  before: KubeObject | undefined;
  removal: Removal | undefined;
};

export type ObjectStore = { get(key: string): KubeObject | undefined; all(): Iterable<KubeObject> };

/** The API server's objects of one resource, in all namespaces, kept current by list and watch. */
export type Reflector = ObjectStore & {
  /** Resolves at the server's first response, a complete list or a refusal. */
  readonly settled: Promise<void>;
  /**
   * Why an object that is not in the store may exist nevertheless. Undefined once a complete list was read, until the
   * server refuses one.
   */
  readonly incomplete: string | undefined;
  /** True while a missing object cannot be distinguished from one that may not be read. */
  readonly forbidden: boolean;
  /** Resolves after the signal given at the start was aborted and all work has ended. */
  readonly stopped: Promise<void>;
};

export type ReflectorHandlers = {
  /** Called once per change, in order. */
  changed: (change: Change) => void;
  /** A complete list was read: the first one, or the first after the server refused one. */
  completed?: () => void;
};

/** What every reflector of a bridge shares. */
export type ReflectorContext = {
  api: KubeApi;
  /** Called while the server cannot be read. */
  outage: Outage;
  signal: AbortSignal;
  clock: Clock;
  random: Random;
  /** Objects per page of a list; 500 when absent. */
  pageSize?: number;
};

/** A watch without a message for this long (bookmarks come every minute) counts as dead and is restarted. */
const silenceMs = 5 * 60_000;

/** Starts to list and watch; retries until the signal is aborted. */
export function reflect(context: ReflectorContext, resource: Resource, handlers: ReflectorHandlers): Reflector {
  const { api, outage, signal, clock, random, pageSize = 500 } = context;
  const store = new Map<string, KubeObject>();
  const settled = Promise.withResolvers<void>();
  const backoff = new Backoff({ first: 200, most: 10_000 }, random);
  let incomplete: string | undefined = `${resource.plural} have not been listed yet`;
  /** resourceVersion to watch from; undefined: list first. */
  let version: string | undefined;

  /** Changes the store; returns the change, if there was one. */
  function put(object: KubeObject): Change | undefined {
    const key = keyOf(object);
    const before = store.get(key);
    const { uid, resourceVersion } = object.metadata;
    if (before?.metadata.uid === uid && before.metadata.resourceVersion === resourceVersion) return undefined;
    store.set(key, object);
    return { key, object, before, removal: undefined };
  }

  function drop(key: string, removal: Removal): Change | undefined {
    const before = store.get(key);
    return store.delete(key) ? { key, object: undefined, before, removal } : undefined;
  }

  /** All of the server's objects, and the resourceVersion to watch from. */
  async function list(): Promise<{ items: KubeObject[]; resourceVersion: string }> {
    const items: KubeObject[] = [];
    for (let from: string | undefined; ;) {
      const page = await api.list(resource, { limit: pageSize, from, signal });
      items.push(...page.items);
      from = page.next;
      if (from === undefined) return { items, resourceVersion: page.resourceVersion };
    }
  }

  /** Replaces the store's content by a complete list; changes are reported after the whole store was updated. */
  function replace(items: readonly KubeObject[]): void {
    const listed = new Set(items.map(keyOf));
    const changes = items.map(put);
    for (const key of store.keys()) if (!listed.has(key)) changes.push(drop(key, 'unlisted'));
    const completed = incomplete !== undefined;
    incomplete = undefined;
    for (const change of changes) if (change !== undefined) handlers.changed(change);
    if (completed) handlers.completed?.();
  }

  /** Follows changes until the server ends the watch. @throws ApiError 410 when the version is too old */
  async function watch(resourceVersion: string): Promise<void> {
    const silent = new AbortController();
    let heard = clock.monotonic();
    const stopLooking = every(clock, silenceMs / 10, () => {
      if (clock.monotonic() - heard > silenceMs) silent.abort(new Error('the watch timed out'));
    });
    const options = {
      resourceVersion,
      timeoutSeconds: 240 + Math.floor(random.fraction() * 120),
      signal: AbortSignal.any([signal, silent.signal]),
    };
    try {
      for await (const { type, object } of api.watch(resource, options, () => outage.up(resource.plural))) {
        heard = clock.monotonic();
        version = object.metadata.resourceVersion;
        if (type === 'BOOKMARK') continue;
        const change = type === 'DELETED' ? drop(keyOf(object), 'deleted') : put(object);
        if (change !== undefined) handlers.changed(change);
      }
    } finally {
      stopLooking();
    }
  }

  async function round(): Promise<void> {
    if (version === undefined) {
      const { items, resourceVersion } = await list();
      version = resourceVersion;
      replace(items);
      outage.up(resource.plural);
      settled.resolve();
    }
    const started = clock.monotonic();
    await watch(version);
    // Delay the retry: a server that ends each watch at once would cause a tight loop.
    if (clock.monotonic() - started < 1000) await sleep(clock, backoff.next(), signal);
    else backoff.reset();
  }

  /** Handles a refusal: the store stays, but objects that it lacks are no longer known to be absent. */
  function refused(error: unknown): void {
    if (!(error instanceof ApiError || error instanceof MalformedAnswerError)) return;
    if (version !== undefined && !answered(error, 401, 403, 404)) return;
    version = undefined;
    incomplete = `${resource.plural} cannot be listed: ${explain(error)}`;
    settled.resolve();
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
          // Too old to continue from: list again, which finds deletions by comparison.
          version = undefined;
          await sleep(clock, backoff.next(), signal);
          continue;
        }
        refused(error);
        outage.down(resource.plural, hint(error, resource), error);
        const askedMs = error instanceof ApiError ? (error.retryAfter ?? 0) * 1000 : 0;
        await sleep(clock, Math.max(askedMs, backoff.next()), signal);
      }
    }
  }

  const stopped = run();
  return {
    get: (key) => store.get(key),
    all: () => store.values(),
    settled: settled.promise,
    get incomplete() {
      return incomplete;
    },
    get forbidden() {
      return incomplete !== undefined;
    },
    stopped,
  };
}

const consequence = 'nothing is removed until they can be listed';

function hint(error: unknown, { plural, group }: Resource): string {
  if (answered(error, 404))
    return `waiting for the API server to know ${plural}.${group}: apply the CRDs (kubectl apply -f crds/manifests); ${consequence}`;
  if (answered(error, 401, 403))
    return `the API server does not let the bridge read ${plural} in all namespaces: see bridge/rbac.yaml; ${consequence}`;
  if (error instanceof ApiError || error instanceof MalformedAnswerError)
    return `the API server does not list ${plural}; ${consequence}`;
  return 'waiting for the API server';
}
