import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '@ifactor/common';
import type { Desired, EventData, InterfaceSpec, Key, SealedSecret } from '@ifactor/crds';
import { secretParams } from '@ifactor/crds/words';
import { pskFingerprint } from '../../interface/kind/index.ts';
import { publicKeyOf } from '@ifactor/common/wireguardKey';
import { SecretError } from './identity.ts';
import type { Identity } from './identity.ts';
import { spellKey } from '../journal/read.ts';
import { FormerSecrets } from './formerSecrets.ts';
import { fileNameOf } from './fileName.ts';
import { privateFile } from './privateFile.ts';
import { RetiredKeys } from './retiredKeys.ts';

type Opened = { version: string; fingerprint: string; value: Buffer };
type Missing = { reason: string; cause?: string };
type Fact = { [T in 'SecretResolved' | 'SecretMissing']: { type: T; data: EventData[T] } }[
  | 'SecretResolved'
  | 'SecretMissing'];

const own = 'privateKey';
/** The version of a key that was made on this node. */
const generated = 'generated';
/** The version of a key that was retired with a former object of the same name, and is in use again. */
const restored = 'restored';

/**
 * The secrets of the node's interfaces, opened, in memory only. The rest of the agent uses fingerprints: a private key
 * by its public key, a preshared key by `pskFingerprint`. Printing this object shows none of it.
 */
export class Secrets {
  readonly #identity: Identity;
  readonly #folder: string;
  readonly #known = new Map<string, Map<string, Opened | Missing>>();
  readonly #former: FormerSecrets;
  /** Keys of objects that are gone. */
  readonly retired: RetiredKeys;

  /** @param folder state folder; keys made here lie in its `keys` */
  constructor(identity: Identity, folder: string, clock: Clock) {
    this.#identity = identity;
    this.#folder = join(folder, 'keys');
    this.#former = new FormerSecrets(folder);
    this.retired = new RetiredKeys(this.#folder, clock);
  }

  /** Keeps the secrets of a former spec at hand, which a change may be rolled back to; also over a restart, until `drop`. */
  keep(key: Key, former: readonly SealedSecret[]): void {
    this.#former.keep(key, former);
  }

  /** Nothing will be rolled back any more. */
  drop(key: Key): void {
    this.#former.drop(key);
  }

  /** Takes over what a desired message says of an interface's secrets, all of them. Tombstones say nothing. */
  learn(key: Key, { secrets, missing, deleted }: Pick<Desired, 'secrets' | 'missing' | 'deleted'>): void {
    if (deleted === true) return;
    const known = new Map<string, Opened | Missing>(missing.map(({ ref, reason }) => [ref, { reason }]));
    for (const sealed of secrets) known.set(sealed.ref, this.#opened(sealed));
    // A key that was made here is in no message, and stays.
    const made = this.#known.get(spellKey(key))?.get(own);
    if (!known.has(own) && made && 'value' in made && (made.version === generated || made.version === restored))
      known.set(own, made);
    this.#known.set(spellKey(key), known);
  }

  /** What is known of a secret; a private key that the spec does not give is made here, once for
   * all interfaces of that name, unless the retired one is purged. Version `restored`: it was retired with a former object.
   * @param spec where it says that its secrets are; null: not known */
  resolve(key: Key, ref: string, spec: InterfaceSpec | null = null): Fact {
    const known = this.#known.get(spellKey(key));
    if (known !== undefined && ref === own && !known.has(own)) known.set(own, this.#generated(key));
    const found = known?.get(ref) ?? { reason: 'NotDelivered' };
    if ('reason' in found) {
      const { reason, ...cause } = found;
      return {
        type: 'SecretMissing',
        data: { ref, reason, params: { ...secretParams(ref, spec, key.namespace), ...cause } },
      };
    }
    return { type: 'SecretResolved', data: { ref, version: found.version, fingerprint: found.fingerprint } };
  }

  /**
   * The value of the secret with this fingerprint, to be written to the kernel and nowhere else.
   * @throws SecretError where it has been replaced or never came
   */
  use(key: Key, fingerprint: string): Buffer {
    for (const held of this.#known.get(spellKey(key))?.values() ?? []) {
      if ('value' in held && held.fingerprint === fingerprint) return Buffer.from(held.value);
    }
    for (const held of this.#formerOf(key))
      if ('value' in held && held.fingerprint === fingerprint) return Buffer.from(held.value);
    throw new SecretError(
      'NotDelivered',
      `the key with fingerprint ${fingerprint} is not available for ${spellKey(key)}`,
    );
  }

  /** The interface is gone: drops its secrets, and retires the key made for it. @throws the file system's errors */
  retire(key: Key): void {
    this.#known.delete(spellKey(key));
    this.#former.forget(key);
    this.retired.retire(key, this.#path(key));
  }

  #opened(sealed: SealedSecret): Opened | Missing {
    try {
      return hold(sealed.ref, sealed.version, keyIn(sealed.ref, this.#identity.open(sealed)));
    } catch (error) {
      if (!(error instanceof SecretError)) throw error;
      return { reason: error.reason };
    }
  }

  /** What a former spec used: the sealed ones that are kept, and the key that was made here before one was given. */
  #formerOf(key: Key): (Opened | Missing)[] {
    const sealed = this.#former.of(key).map((one) => this.#opened(one));
    try {
      return [...sealed, hold(own, generated, keyIn(own, readFileSync(this.#path(key))))];
    } catch {
      return sealed;
    }
  }

  #generated(key: Key): Opened | Missing {
    try {
      const back = this.retired.restore(key, this.#path(key));
      const value = privateFile(this.#path(key), () => Buffer.from(randomBytes(32).toString('base64')));
      return hold(own, back ? restored : generated, keyIn(own, value));
    } catch (error) {
      if (error instanceof SecretError) return { reason: error.reason, cause: this.#path(key) };
      return { reason: 'StateFolder', cause: error instanceof Error ? error.message : String(error) };
    }
  }

  #path(key: Key): string {
    return join(this.#folder, fileNameOf(key));
  }
}

const hold = (ref: string, version: string, value: Buffer): Opened => ({
  version,
  value,
  fingerprint: ref === own ? publicKeyOf(value) : pskFingerprint(value),
});

/** The 32 bytes of a key given raw or as base64 text. @throws SecretError */
function keyIn(ref: string, opened: Buffer): Buffer {
  if (opened.length === 32) return opened;
  const text = opened.toString('latin1').trim();
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length === 32 && bytes.toString('base64') === text) return bytes;
  throw new SecretError(
    'Malformed',
    `secret ${ref} must be 32 bytes or their base64 text (44 characters), it has ${opened.length} bytes`,
  );
}
