import { explain } from '@ifactor/common';
import type { Log } from '@ifactor/common';
import type { Desired, Key } from '@ifactor/crds';
import { spellKey } from '../journal/read.ts';
import type { Actor } from '../runner/actor.ts';
import type { Runner } from '../runner/runner.ts';
import type { Secrets } from '../secrets/secrets.ts';
import { isStale, interfaceKeyOf, newFacts, rereadFacts, sameSecrets } from './facts.ts';
import type { DesiredStore } from './store.ts';

/** Receives desired objects, from the journal at start and from NATS after that, and sends the actors what is new to them. */
export class DesiredReceiver {
  readonly #runner: Runner;
  readonly #store: DesiredStore;
  readonly #secrets: Secrets;
  readonly #log: Log;
  /** What came while no event could be made: of each object the last message. */
  readonly #deferred = new Map<string, { key: Key; desired: Desired }>();

  constructor(runner: Runner, store: DesiredStore, secrets: Secrets, log: Log) {
    this.#runner = runner;
    this.#store = store;
    this.#secrets = secrets;
    this.#log = log;
    runner.recovered.subscribe(() => {
      store.settle();
      // After the facts that were deferred before these messages came.
      setImmediate(() => {
        const missed = [...this.#deferred.values()];
        this.#deferred.clear();
        for (const { key, desired } of missed) this.receive(key, desired);
      });
    });
    runner.changed.subscribe((actor) => {
      const { confirm } = actor.snapshot.context;
      if (!confirm?.trial && !confirm?.rolledBack)
        this.#attempt('failed to drop the secrets of a former spec', actor.key, () => secrets.drop(actor.key));
    });
    runner.forgotten.subscribe(({ key, id }) => {
      this.#attempt('failed to retire the keys of a deleted interface', key, () => secrets.retire(key));
      store.delete(id);
    });
  }

  /** Learns the secrets of the stored objects, which actors ask for as soon as they are restored. */
  learnSecrets(): void {
    for (const { key, desired } of this.#stored()) this.#secrets.learn(key, desired);
  }

  /** Sends restored actors what is in the store and not in their log. */
  restore(): void {
    for (const { key, desired } of this.#stored()) {
      const actor = this.#runner.actor(key);
      const { desired: known } = actor.declared;
      // The stored object is from before the disk was full: the log has a later one.
      if (known?.uid === desired.uid && known.generation > desired.generation) continue;
      for (const fact of [...newFacts(actor, desired), ...rereadFacts(actor, desired)])
        this.#runner.tell(actor, fact, causeOf(desired));
    }
  }

  /** Takes the last message on an object. One that is older than what is known is refused. */
  receive(key: Key, desired: Desired): void {
    const id = spellKey(key);
    if (this.#runner.parked || this.#deferred.size > 0) {
      this.#deferred.set(id, { key, desired });
      return;
    }
    const known = this.#runner.actors.get(id)?.declared;
    if (desired.deleted && !known?.desired) return;
    const before = this.#store.get(id);
    if (known && isStale(known, before, desired)) {
      this.#log.warn('refused a message about an object: a newer version is known', {
        actor: id,
        generation: desired.generation,
        resourceVersion: desired.resourceVersion,
        known: known.desired?.generation,
      });
      return;
    }
    const actor = this.#runner.actor(key);
    this.#runner.contain(actor, 'receive', () => this.#take(actor, before, desired));
  }

  #take(actor: Actor, before: Desired | undefined, desired: Desired): void {
    const { key, id } = actor;
    const known = actor.declared.desired;
    if (known && known.uid !== desired.uid && !desired.deleted)
      this.#attempt('failed to retire the keys of a deleted interface', key, () => this.#secrets.retire(key));
    this.#store.put(id, desired);
    if (before && desired.spec['confirm'] !== undefined)
      this.#attempt('failed to keep the secrets of the former spec; a rollback may lack them', key, () =>
        this.#secrets.keep(key, before.secrets),
      );
    this.#secrets.learn(key, desired);
    for (const fact of newFacts(actor, desired)) this.#runner.tell(actor, fact, causeOf(desired));
    if (!sameSecrets(before, desired)) this.#tellSecrets(actor, desired);
  }

  #tellSecrets(actor: Actor, desired: Desired): void {
    const { context } = actor.snapshot;
    for (const { ref } of [...desired.secrets, ...desired.missing]) {
      const fact = this.#secrets.resolve(actor.key, ref, context.spec);
      const fresh =
        fact.type === 'SecretResolved'
          ? fact.data.fingerprint !== context.secrets[ref] || context.missing[ref] !== undefined
          : true;
      if (fresh) this.#runner.tell(actor, fact, causeOf(desired));
    }
  }

  *#stored(): Generator<{ key: Key; desired: Desired }> {
    for (const desired of this.#store.all()) {
      const key = interfaceKeyOf(desired);
      if (key) yield { key, desired };
    }
  }

  #attempt(what: string, key: Key, action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#log.error(what, { actor: spellKey(key), error: explain(error) });
    }
  }
}

/** All events that follow from one apply share a correlation: the object and its version. */
const causeOf = ({ uid, resourceVersion }: Desired) => ({ id: '', correlation: `${uid}@${resourceVersion}` });
