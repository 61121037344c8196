import { explain } from '@ifactor/common';
import type { StoredMessage } from '@ifactor/common/eventStore';
import { verifies } from '@ifactor/common/signature';
import {
  desiredStatement,
  keyChangesHeader,
  keyChangeStatement,
  parseKeyChanges,
  signatureHeaders as names,
} from '@ifactor/crds';
import type { Runtime } from '../../runtime.ts';
import type { Journal } from '../journal/journal.ts';
import { Signal } from '../runner/signal.ts';
import { pinVersion, readPin, writePin } from './pin.ts';
import type { Pin } from './pin.ts';
import { Revisions } from './revisions.ts';

/**
 * Why a message is not accepted. `Unsigned`: this node has seen signed ones, or was given a key. `OtherKey`: no key change leads from
 * the pinned key to the signer's. `OtherCluster`: of another cluster than before. `BadSignature`: altered, or signed for another
 * subject. `Replayed`: older than one that was accepted.
 */
export type RefusalReason = 'Unsigned' | 'OtherKey' | 'OtherCluster' | 'BadSignature' | 'Replayed';

export type TrustOptions = {
  /** State folder; the pin lies in its `trust.json`. */
  folder: string;
  journal: Pick<Journal, 'putRevisions' | 'revisions' | 'dropRevisions'>;
  /** Key to accept from the start, where the state folder has none. */
  key?: string;
  runtime: Runtime;
};

/** Decides whether a message comes from the bridge that this node obeys, and is the newest of its object. */
export class Trust {
  readonly #options: TrustOptions;
  readonly #revisions: Revisions;
  /** The pin was changed by `ifactor-agent trust`. */
  readonly changed = new Signal();
  #pin: Pin | null;
  #version = '';

  /** @throws Error if the state folder's pin is damaged, or cannot be written */
  constructor(options: TrustOptions) {
    const { folder, journal, key, runtime } = options;
    this.#options = options;
    this.#revisions = new Revisions(journal, runtime.log);
    this.#pin = readPin(folder);
    if (key !== undefined && this.#pin === null) this.#keep({ ...this.#chosen(key), cluster: null });
    else if (key !== undefined && this.#pin !== null && this.#pin.key !== key)
      runtime.log.info('the state folder trusts another key than --trust; change it with ifactor-agent trust', {
        key: this.#pin.key,
      });
    this.#version = pinVersion(folder);
    if (this.#pin) this.#revisions.since(this.#pin.since);
  }

  /**
   * Judges a message, and remembers what follows from one that is accepted.
   * @param id the actor's
   * @returns why it is refused; null if it is accepted
   */
  judge(id: string, message: StoredMessage): RefusalReason | null {
    const refused = this.#judge(id, message);
    // A person may just have chosen another key.
    return refused !== null && this.#reread() ? this.#judge(id, message) : refused;
  }

  #judge(id: string, { subject, header, body }: StoredMessage): RefusalReason | null {
    const pin = this.#pin;
    const signer = header(names.signer);
    if (signer === '') return pin === null ? null : 'Unsigned';
    if (pin !== null && signer !== pin.key && !leads(pin.key, signer, header(keyChangesHeader))) return 'OtherKey';
    const cluster = header(names.cluster);
    const revision = Number(header(names.revision));
    const statement = desiredStatement({ subject, cluster, revision, content: header(names.content), body });
    if (!Number.isSafeInteger(revision) || !verifies(signer, statement, header(names.signature))) return 'BadSignature';
    if (pin !== null && pin.cluster !== null && pin.cluster !== cluster) return 'OtherCluster';
    if (pin !== null && revision < this.#revisions.of(id)) return 'Replayed';
    if (pin === null) this.#keep({ ...this.#chosen(signer), cluster });
    else if (pin.key !== signer || pin.cluster !== cluster) this.#keep({ ...pin, key: signer, cluster });
    this.#revisions.accept(id, revision);
    return null;
  }

  /** Looks whether a person chose another key. */
  look(): void {
    if (this.#reread()) this.changed.emit();
  }

  /** Writes what could not be written, and forgets what grows old. @param isLive whether an object is still desired */
  keepHouse(isLive: (id: string) => boolean): void {
    this.#revisions.settle();
    this.#revisions.prune(isLive);
  }

  #reread(): boolean {
    const { folder, runtime } = this.#options;
    const version = pinVersion(folder);
    if (version === this.#version || version === '') return false;
    this.#version = version;
    try {
      this.#pin = readPin(folder);
    } catch (error) {
      runtime.log.error('the key to trust cannot be read; the one before stays', { error: explain(error) });
      return false;
    }
    if (this.#pin) this.#revisions.since(this.#pin.since);
    runtime.log.info('trusts the key that ifactor-agent trust names', { key: this.#pin?.key });
    return true;
  }

  #chosen(key: string): Omit<Pin, 'cluster'> {
    return { key, since: new Date(this.#options.runtime.clock.now()).toISOString() };
  }

  #keep(pin: Pin): void {
    const { folder, runtime } = this.#options;
    const before = this.#pin;
    this.#pin = pin;
    this.#revisions.since(pin.since);
    if (before === null) runtime.log.info('accepts only what this key signs from now on', { key: pin.key });
    else if (before.key !== pin.key)
      runtime.log.info('the bridge signs with a new key, which the one before announced', { key: pin.key });
    try {
      writePin(folder, pin);
      this.#version = pinVersion(folder);
    } catch (error) {
      // In memory until then: a restart before that trusts the key before, or the first that signs.
      runtime.log.error('failed to store the key to trust', { error: explain(error) });
    }
  }
}

/** Whether key changes lead from one key to another, each announced by the one before. */
function leads(from: string, to: string, announced: string): boolean {
  let at = from;
  for (const change of parseKeyChanges(announced)) {
    if (change.from !== at || !verifies(at, keyChangeStatement(change), change.signature)) continue;
    at = change.to;
    if (at === to) return true;
  }
  return false;
}
