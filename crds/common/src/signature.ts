/** Ed25519 signatures. A public key is spelled `ed25519:` and 43 characters of base64url. Errors never show a private key. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** A key pair that signs; `publicKey` is the text by which others know it. */
export type SigningKey = {
  readonly publicKey: string;
  /** @returns 86 characters of base64url */
  sign(text: string): string;
};

const spelling = 'ed25519:';
/** RFC 8410, up to the 32 bytes of a public key. */
const spki = Buffer.from('302a300506032b6570032100', 'hex');

/** A new private key: PKCS #8 in PEM. */
export function makeSigningKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;
}

/** @param pem an Ed25519 private key: PKCS #8 in PEM, as `openssl genpkey -algorithm ed25519` writes it @throws RangeError */
export function readSigningKey(pem: string): SigningKey {
  const key = (() => {
    try {
      return createPrivateKey(pem);
    } catch {
      return undefined;
    }
  })();
  if (key?.asymmetricKeyType !== 'ed25519')
    throw new RangeError('the signing key must be an Ed25519 private key in PEM');
  const raw = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);
  return {
    publicKey: spelling + raw.toString('base64url'),
    sign: (text) => sign(null, Buffer.from(text), key).toString('base64url'),
  };
}

/** Whether a text spells a public key. */
export function isPublicKey(text: string): boolean {
  if (!text.startsWith(spelling)) return false;
  const raw = Buffer.from(text.slice(spelling.length), 'base64url');
  return raw.length === 32 && spelling + raw.toString('base64url') === text;
}

/** Key objects by their text, since making one takes as long as a verification; few keys are in use at a time. */
const known = new Map<string, KeyObject>();

/** Whether the key made this signature of the text. A key or signature that is malformed verifies nothing. */
export function verifies(publicKey: string, text: string, signature: string): boolean {
  const key = known.get(publicKey) ?? keyOf(publicKey);
  if (key === undefined) return false;
  if (known.size >= 16) known.clear();
  known.set(publicKey, key);
  return verify(null, Buffer.from(text), key, Buffer.from(signature, 'base64url'));
}

function keyOf(text: string): KeyObject | undefined {
  if (!isPublicKey(text)) return undefined;
  const der = Buffer.concat([spki, Buffer.from(text.slice(spelling.length), 'base64url')]);
  try {
    return createPublicKey({ key: der, format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
}
