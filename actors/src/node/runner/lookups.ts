import type { InterfaceSpec, Key } from '@ifactor/crds';
import type { Actor, Cause, Fact } from './actor.ts';
import type { Mailbox } from './mailbox.ts';

/** What the runner asks about the secrets of an interface. */
export type SecretSource = {
  /** A SecretResolved or SecretMissing for this ref. `spec`: what says where the secret is. */
  resolve(key: Key, ref: string, spec: InterfaceSpec | null): Fact;
  /** The key with this fingerprint. @throws Error that names what is missing, never a value */
  use(key: Key, fingerprint: string): Buffer;
};

/** Looks up the secrets that a machine asks for. */
export class Lookups {
  readonly #mailbox: Mailbox;
  readonly #secrets: Pick<SecretSource, 'resolve'>;

  constructor(mailbox: Mailbox, secrets: Pick<SecretSource, 'resolve'>) {
    this.#mailbox = mailbox;
    this.#secrets = secrets;
  }

  secrets(actor: Actor, refs: readonly string[], cause: Cause): void {
    for (const ref of refs)
      this.#mailbox.tell(actor, this.#secrets.resolve(actor.key, ref, actor.snapshot.context.spec), cause);
  }
}
