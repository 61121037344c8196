import { createPrivateKey, createPublicKey } from 'node:crypto';

/** PKCS #8 around a raw X25519 private key (RFC 8410, section 7). */
const header = Buffer.from('302e020100300506032b656e04220420', 'hex');

/** The public half of a WireGuard private key, both in base64. */
export function publicKeyOf(privateKey: string): string {
  const der = Buffer.concat([header, Buffer.from(privateKey, 'base64')]);
  const { x = '' } = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })).export({ format: 'jwk' });
  return Buffer.from(x, 'base64url').toString('base64');
}
