import type { SealedSecret } from '@ifactor/crds';
import { createCurve } from '@nats-io/nkeys';
import type { OpenSecret } from './secret.ts';

/** Seals secrets to a node's public curve key. */
export type Sealer = { seal(secret: OpenSecret, sealKey: string): SealedSecret };

/** The bridge's own curve key exists as long as the process: a message contains the public key it was sealed with. */
export function createSealer(): Sealer {
  const pair = createCurve();
  const sender = pair.getPublicKey();
  return {
    seal: ({ ref, version, key }, sealKey) => ({
      ref,
      version,
      sender,
      // The plaintext is the key's base64 text.
      sealed: Buffer.from(pair.seal(new TextEncoder().encode(key), sealKey)).toString('base64'),
    }),
  };
}
