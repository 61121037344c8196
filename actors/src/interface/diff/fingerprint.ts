import { createHash } from 'node:crypto';

/** Identifies a preshared key in events, status and logs: two keys have different fingerprints, and a key cannot be derived from its own. */
export const pskFingerprint = (key: Uint8Array): string =>
  createHash('sha256').update('ifactor-psk').update(key).digest('hex').slice(0, 16);
