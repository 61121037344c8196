import { createHash } from 'node:crypto';

/** Stands for a preshared key in events, status and logs: tells two keys apart and leads back to neither. */
export const pskFingerprint = (key: Uint8Array): string =>
  createHash('sha256').update('ifactor-psk').update(key).digest('hex').slice(0, 16);
