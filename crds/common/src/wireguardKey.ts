/** Curve25519 keys as WireGuard uses them. Errors never show a key. */
import { createPrivateKey, createPublicKey } from 'node:crypto';

/** RFC 8410, up to the 32 bytes of the key. */
const pkcs8 = Buffer.from('302e020100300506032b656e04220420', 'hex');

/** 32 bytes of a key given as bytes or base64; null: zeros, which WireGuard treats as no key. @throws RangeError */
export function keyBytes(key: Buffer | string | null): Buffer {
  if (key === null) return Buffer.alloc(32);
  const bytes = typeof key === 'string' ? Buffer.from(key, 'base64') : key;
  if (bytes.length !== 32) throw new RangeError('a WireGuard key has 32 bytes');
  return bytes;
}

/** base64 of the public key that belongs to a private one, given as bytes or base64. @throws RangeError */
export function publicKeyOf(privateKey: Buffer | string): string {
  const key = createPrivateKey({ key: Buffer.concat([pkcs8, keyBytes(privateKey)]), format: 'der', type: 'pkcs8' });
  return createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64');
}
