import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog } from '@ifactor/common';
import type { ContainerSelector, Desired, RecordedEvent, State } from '@ifactor/crds';
import { systemClock, systemRandom } from '@ifactor/common';
import type { Clock } from '@ifactor/common';
import { interfaceKeyOf, newFacts } from '../node/desired/facts.ts';
import { openJournal } from '../node/journal/journal.ts';
import type { Journal } from '../node/journal/journal.ts';
import type { Fact, Actor } from '../node/runner/actor.ts';
import { Runner } from '../node/runner/runner.ts';
import type { Lookup } from '../node/resolve/resolver.ts';
import type { ResolvedNetns, NetnsResolver } from '../containers/index.ts';
import { pskFingerprint } from '../interface/kind/index.ts';
import { publicKeyOf } from '@ifactor/common/wireguardKey';
import type { Kernel } from '../kernel/index.ts';
import { verdictWords } from '../interface/words/verdict.ts';

/** Netns by name, in a kernel of the test's choice; `null` is `home`. A name may be taken away and come back. */
export class TestNetnsResolver implements NetnsResolver {
  readonly #kernel: Kernel;
  readonly #path: (name: string) => string;
  readonly #listeners = new Map<string, Set<(place: ResolvedNetns) => void>>();
  readonly #gone = new Set<string>();
  readonly #hidden = new Set<string>();

  constructor(kernel: Kernel, path: (name: string) => string) {
    this.#kernel = kernel;
    this.#path = path;
  }

  follow(selector: ContainerSelector | null, listener: (place: ResolvedNetns) => void): () => void {
    const name = selector === null ? 'home' : (selector.docker?.name ?? selector.netns?.name ?? '');
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    // A kernel that was closed meanwhile has no subscribers left.
    void this.#place(name).then(
      (place) => listeners.has(listener) && listener(place),
      () => undefined,
    );
    return () => void listeners.delete(listener);
  }

  async set(name: string, there: boolean): Promise<void> {
    this.#hidden.delete(name);
    if (there) this.#gone.delete(name);
    else this.#gone.add(name);
    const place = await this.#place(name);
    for (const listener of this.#listeners.get(name) ?? []) listener(place);
  }

  /** Whether it is there cannot be known, as while an engine does not answer; until the next `set`. */
  hide(name: string): void {
    this.#hidden.add(name);
  }

  close(): void {
    this.#listeners.clear();
  }

  async #place(name: string): Promise<ResolvedNetns> {
    if (this.#hidden.has(name)) return { lost: { reason: 'EngineUnreachable', params: {} } };
    if (this.#gone.has(name)) return { lost: { reason: 'ContainerGone', params: {} } };
    return { netns: await this.#kernel.open(this.#path(name)) };
  }
}

export type TestNodeOptions = {
  kernel: Kernel;
  path: (name: string) => string;
  clock?: Clock;
  poll?: number;
  folder?: string;
  /** Followed instead of `path`, as an agent does; the caller closes them. */
  follow?: NetnsResolver;
  /** Whether NATS answers. Default: it does. */
  nats?: () => Promise<boolean>;
  quiet?: number;
  resolve?: Lookup;
};

/** A node with everything but NATS: runner, journal and places on a kernel of the test's choice. */
export class TestNode {
  readonly runner: Runner;
  readonly places: TestNetnsResolver;
  readonly journal: Journal;
  readonly folder: string;
  /** Keys by fingerprint. */
  readonly keys = new Map<string, Buffer>();
  readonly #refs = new Map<string, Buffer>();
  readonly #waiting = new Set<() => void>();
  #versions = 0;

  constructor({
    kernel,
    path,
    clock = systemClock,
    poll,
    folder,
    follow,
    nats = async () => true,
    quiet,
    resolve,
  }: TestNodeOptions) {
    this.folder = folder ?? mkdtempSync(join(tmpdir(), 'ift-node-'));
    this.journal = openJournal(this.folder, { node: 'n1' });
    this.places = new TestNetnsResolver(kernel, path);
    this.runner = new Runner({
      runtime: { clock, random: systemRandom, log: createLog('test', 'error') },
      places: follow ?? this.places,
      journal: this.journal,
      secrets: {
        resolve: (key, ref) => this.#resolve(`${key.namespace}/${key.name}/${ref}`, ref),
        use: (_key, fingerprint) => {
          const value = this.keys.get(fingerprint);
          if (!value) throw new Error(`no key with fingerprint ${fingerprint}`);
          return value;
        },
      },
      natsAnswers: nats,
      tuning: {
        ...(poll === undefined ? {} : { pollMs: poll }),
        ...(quiet === undefined ? {} : { quietMs: quiet }),
        ...(resolve === undefined ? {} : { resolve }),
      },
    });
    this.runner.changed.subscribe(() => {
      for (const check of this.#waiting) check();
    });
  }

  /** Gives a secret that objects name by `ref`, before it is applied. Returns its fingerprint. */
  secret(namespace: string, name: string, ref: string, value: Buffer): string {
    this.#refs.set(`${namespace}/${name}/${ref}`, value);
    const fingerprint = ref.startsWith('psk:') ? pskFingerprint(value) : publicKeyOf(value);
    this.keys.set(fingerprint, value);
    return fingerprint;
  }

  /** As a Desired message would arrive. */
  apply(
    kind: 'NetlinkInterface' | 'WireGuardInterface',
    name: string,
    spec: object,
    more: Partial<Desired> = {},
  ): Actor {
    const desired: Desired = {
      apiVersion: 'networking.dn42.io/v1alpha1',
      kind,
      namespace: 'default',
      name,
      uid: `uid-${name}`,
      generation: ++this.#versions,
      resourceVersion: String(this.#versions),
      creationTimestamp: '2026-01-01T00:00:00Z',
      spec: { node: 'n1', ...spec },
      secrets: [],
      missing: [],
      ...more,
    };
    const key = interfaceKeyOf(desired);
    if (!key) throw new Error(`agents do not carry out ${kind}`);
    const actor = this.runner.actor(key);
    for (const fact of newFacts(actor, desired)) this.runner.tell(actor, fact, null);
    return actor;
  }

  delete(kind: 'NetlinkInterface' | 'WireGuardInterface', name: string): Actor {
    return this.apply(kind, name, {}, { deletionTimestamp: '2026-01-02T00:00:00Z' });
  }

  /** Resolves when the actor is in one of these states with nothing in flight; rejects with its log when it takes too long. */
  async settles(actor: Actor, ...states: State[]): Promise<void> {
    const done = (): boolean => {
      const { value, context } = actor.snapshot;
      const { secrets, places, observe } = context.asked;
      const busy = context.running !== null || secrets || places || observe || context.verdict.reason === 'Unknown';
      return states.includes(value) && !busy;
    };
    await this.until(
      done,
      () => `${actor.id} is ${actor.snapshot.value}: ${verdictWords(actor.snapshot.context)}\n${this.story(actor)}`,
    );
  }

  /** Resolves when the condition holds after some event. */
  until(
    done: () => boolean,
    explain: () => string = () => 'it did not happen',
    milliseconds = Number(process.env['IFACTOR_PATIENCE_MS'] ?? 40_000),
  ): Promise<void> {
    if (done()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const end = (action: () => void): void => {
        clearTimeout(timer);
        this.#waiting.delete(check);
        action();
      };
      const check = (): void => {
        if (done()) end(resolve);
      };
      const timer = setTimeout(() => end(() => reject(new Error(explain()))), milliseconds);
      this.#waiting.add(check);
    });
  }

  events(actor?: Actor): RecordedEvent[] {
    return [...this.journal.read(actor ? { key: actor.id } : {})];
  }

  /** The actor's log as a person reads it. */
  story(actor?: Actor): string {
    return this.events(actor)
      .map(({ sequence, type, state, data }) => `${sequence} ${type} → ${state} ${JSON.stringify(data)}`)
      .join('\n');
  }

  /** Ends as an agent that is stopped; links stay. */
  stop(): void {
    this.runner.stop();
    this.places.close();
    this.journal.close();
  }

  dispose(): void {
    this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #resolve(id: string, ref: string): Fact {
    const value = this.#refs.get(id);
    if (!value) return { type: 'SecretMissing', data: { ref, reason: 'SecretNotFound' } };
    const fingerprint = ref.startsWith('psk:') ? pskFingerprint(value) : publicKeyOf(value);
    const version = createHash('sha256').update(fingerprint).digest('hex').slice(0, 8);
    return { type: 'SecretResolved', data: { ref, version, fingerprint } };
  }
}
