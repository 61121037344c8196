import type { MissingSecret } from '@ifactor/crds';
import { missingSecretWords } from '@ifactor/crds/words';
import { isRecord } from '@ifactor/common/json';
import type { KubeObject } from '../kube/object.ts';

/** A WireGuard key in base64, opened; never to be logged or published unsealed. */
export type OpenSecret = { ref: string; version: string; key: string };

/** Source of Secrets: while `forbidden`, one that is not found may exist nevertheless. */
export type SecretLookup = { get(key: string): KubeObject | undefined; readonly forbidden: boolean };

/** Reason of a secret whose state is unknown, since Secrets cannot be listed. */
export const unreadable = 'Forbidden';

/** `ref` of a secret in messages: `privateKey` or `psk:<publicKey>`. */
export type WantedSecret = { ref: string; from: unknown };

/** Default namespace of `privateKeySecretRef` and similar references, as in the system this one replaces. */
const defaultNamespace = 'default';

/**
 * Opens the Secret that `from` references, for an object in `namespace`.
 *
 * A Secret in another namespace is refused; otherwise a user who may create interfaces in one namespace could read every
 * key of the cluster. An absent `namespace` means `default`, which the API server has filled in before the bridge reads
 * the object: outside of `default` it therefore has to be set, and the message says so. Using the object's own namespace
 * instead would silently read another Secret than the one that `kubectl get -o yaml` shows.
 */
export function openSecret(wanted: WantedSecret, namespace: string, secrets: SecretLookup): OpenSecret | MissingSecret {
  const { ref, from } = wanted;
  if (!isRecord(from) || typeof from['name'] !== 'string' || typeof from['key'] !== 'string') {
    return { ref, reason: 'Malformed', message: 'the secret reference needs a name and a key' };
  }
  const { name, key, namespace: given = defaultNamespace } = from;
  const referred = { namespace: String(given), name, key };
  const fail = (reason: string): MissingSecret => {
    const message = missingSecretWords(reason, ref, { secret: referred, namespace });
    return { ref, reason, message };
  };
  if (given !== namespace) return fail('CrossNamespaceReference');
  const secret = secrets.get(`${namespace}/${name}`);
  if (secret === undefined) return fail(secrets.forbidden ? unreadable : 'SecretNotFound');
  const data = secret['data'];
  const value = isRecord(data) && Object.hasOwn(data, key) ? data[key] : undefined;
  if (typeof value !== 'string') return fail('KeyNotFound');
  const text = wireguardKey(Buffer.from(value, 'base64'));
  if (text === undefined) return fail('Malformed');
  return { ref, version: `${secret.metadata.uid}@${secret.metadata.resourceVersion}`, key: text };
}

/** 32 raw bytes, or their base64 text with white space around it, as base64; undefined where it is neither. */
export function wireguardKey(bytes: Buffer): string | undefined {
  if (bytes.length === 32) return bytes.toString('base64');
  const text = bytes.toString('latin1').trim();
  if (!/^[A-Za-z0-9+/]{43}=$/.test(text)) return undefined;
  // Clear the spare bits of the last letter, so that each key has one spelling.
  return Buffer.from(text, 'base64').toString('base64');
}
