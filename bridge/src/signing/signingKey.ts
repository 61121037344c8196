import { makeSigningKey, readSigningKey } from '@ifactor/common/signature';
import type { SigningKey } from '@ifactor/common/signature';
import { formatKeyChanges, keyChangeStatement, parseKeyChanges } from '@ifactor/crds';
import type { KeyChange } from '@ifactor/crds';
import { isRecord } from '@ifactor/common/json';
import { answered } from '../kube/error.ts';
import type { KubeObject } from '../kube/object.ts';
import type { KubeApi } from '../kube/port.ts';
import { resources } from '../kube/resource.ts';

/** Name of the Secret, in the namespace of the Lease, with the key that all bridges of that Lease sign with. */
export const signingSecret = 'ifactor-signing-key';

/** Field with the private key in PEM, and field with the changes that led to it. */
const privateField = 'privateKey';
const changesField = 'keyChanges';

/** Key changes that a message carries, at most: an agent that missed more needs `ifactor-agent trust`. */
const mostKeyChanges = 8;

export type StoredSigningKey = { key: SigningKey; keyChanges: string };

/** The Secret with the signing key cannot be used; the message says what to do and shows no key. */
class SigningKeyError extends Error {
  override name = 'SigningKeyError';
}

/**
 * Reads the key that bridges sign with; the first leader makes it.
 * @throws SigningKeyError if the Secret has no Ed25519 key; as KubeApi
 */
export async function loadSigningKey(
  api: Pick<KubeApi, 'get' | 'create'>,
  namespace: string,
  signal?: AbortSignal,
): Promise<StoredSigningKey> {
  const found = await api.get(resources.secrets, { namespace, name: signingSecret }, signal);
  if (found !== undefined) return readSecret(found);
  try {
    const metadata = { name: signingSecret, namespace };
    return readSecret(await api.create(resources.secrets, { metadata, data: dataOf(makeSigningKey(), '') }));
  } catch (error) {
    if (!answered(error, 409)) throw error;
    return loadSigningKey(api, namespace, signal);
  }
}

/**
 * Replaces the signing key by a new one, which the old one announces. Bridges sign with it as soon as they see the Secret.
 * @returns the keys before and after
 * @throws SigningKeyError if there is no key to replace; as KubeApi
 */
export async function rotateSigningKey(
  api: Pick<KubeApi, 'get' | 'replace'>,
  namespace: string,
): Promise<Pick<KeyChange, 'from' | 'to'>> {
  const found = await api.get(resources.secrets, { namespace, name: signingSecret });
  if (found === undefined)
    throw new SigningKeyError(
      `Secret ${namespace}/${signingSecret} not found: give --lease-namespace as the bridge has it, or start a bridge, which makes the Secret`,
    );
  const { key, keyChanges } = readSecret(found);
  const pem = makeSigningKey();
  const change = { from: key.publicKey, to: readSigningKey(pem).publicKey };
  const all = [...parseKeyChanges(keyChanges), { ...change, signature: key.sign(keyChangeStatement(change)) }];
  await api.replace(resources.secrets, {
    metadata: found.metadata,
    data: dataOf(pem, formatKeyChanges(all.slice(-mostKeyChanges))),
  });
  return change;
}

const dataOf = (pem: string, keyChanges: string): Record<string, string> => ({
  [privateField]: Buffer.from(pem).toString('base64'),
  [changesField]: Buffer.from(keyChanges).toString('base64'),
});

function readSecret({ metadata: { namespace, name }, data }: KubeObject): StoredSigningKey {
  const text = (field: string): string => {
    const value = isRecord(data) ? data[field] : undefined;
    return typeof value === 'string' ? Buffer.from(value, 'base64').toString() : '';
  };
  try {
    return { key: readSigningKey(text(privateField)), keyChanges: text(changesField).trim() };
  } catch (cause) {
    throw new SigningKeyError(
      `${privateField} of Secret ${namespace}/${name} is not an Ed25519 private key in PEM: restore it, or delete the Secret and run ifactor-agent trust on each node`,
      { cause },
    );
  }
}
