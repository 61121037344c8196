import type { NewMessage, StoredMessage } from '@ifactor/common/eventStore';
import { makeSigningKey, readSigningKey } from '@ifactor/common/signature';
import type { SigningKey } from '@ifactor/common/signature';
import {
  desiredStatement,
  formatDesiredSubject,
  formatKeyChanges,
  keyChangesHeader,
  keyChangeStatement,
  signatureHeaders as names,
} from '@ifactor/crds';
import type { Desired, KeyChange } from '@ifactor/crds';
import { desiredObject } from './desired.ts';

/** A message as an agent is delivered it. */
export const delivered = (
  { subject, body, headers }: Pick<NewMessage, 'subject' | 'body' | 'headers'>,
  sequence = 1,
): StoredMessage => ({ subject, body, sequence, time: 0, header: (name) => headers[name] ?? '' });

/** The part of a bridge that signs. */
export class TestSigner {
  #key: SigningKey = readSigningKey(makeSigningKey());
  readonly #changes: KeyChange[] = [];
  #revision = 1000;
  readonly cluster: string;

  constructor(cluster = 'cluster-1') {
    this.cluster = cluster;
  }

  get publicKey(): string {
    return this.#key.publicKey;
  }

  /** Replaces the key; the old one announces the new one unless it is lost. */
  rotate(announce = true): void {
    const from = this.#key;
    this.#key = readSigningKey(makeSigningKey());
    const change = { from: from.publicKey, to: this.#key.publicKey };
    if (announce) this.#changes.push({ ...change, signature: from.sign(keyChangeStatement(change)) });
  }

  sign(desired: Desired, node = 'n1', revision = ++this.#revision): NewMessage {
    const { kind, namespace, name } = desired;
    const subject = formatDesiredSubject({ node, kind: kind.toLowerCase(), namespace, name });
    const body = JSON.stringify(desired);
    const statement = { subject, cluster: this.cluster, revision, content: 'digest', body };
    const headers: Record<string, string> = {
      [names.cluster]: this.cluster,
      [names.revision]: String(revision),
      [names.content]: 'digest',
      [names.signer]: this.publicKey,
      [names.signature]: this.#key.sign(desiredStatement(statement)),
    };
    if (this.#changes.length > 0) headers[keyChangesHeader] = formatKeyChanges(this.#changes);
    return { subject, body, headers };
  }
}

/** A declared bridge whose MTU tells its generation. */
export const declaredBridge = (name: string, generation: number, more: Partial<Desired> = {}): Desired =>
  desiredObject(
    name,
    generation,
    { node: 'n1', interfaceName: name, type: 'bridge', up: true, mtu: 1300 + generation },
    more,
  );
