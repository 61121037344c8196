import { join } from 'node:path';
import type { SealedSecret } from '@ifactor/crds';
import { createCurve, fromCurveSeed } from '@nats-io/nkeys';
import { privateFile } from './privateFile.ts';

/** A sealed secret cannot be opened, or is no key. The error never contains the value. */
export class SecretError extends Error {
  override name = 'SecretError';
  /** CamelCase, for a condition. */
  readonly reason: 'CannotOpen' | 'Malformed' | 'NotDelivered';

  constructor(reason: SecretError['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

/** The node's curve key: secrets for the node are sealed to its public half, and only this process can open them. */
export type Identity = {
  /** Public nkeys curve key, `X…`, for `NodeEntry.sealKey`. */
  readonly sealKey: string;
  /** @throws SecretError */
  open(sealed: SealedSecret): Buffer;
};

/**
 * The identity kept in `<folder>/seal.nk`, made at the first start.
 * @throws Error where the file cannot be read, written, or holds no curve seed
 */
export function loadIdentity(folder: string): Identity {
  const path = join(folder, 'seal.nk');
  const seed = privateFile(path, () => createCurve().getSeed());
  const pair = (() => {
    try {
      return fromCurveSeed(new Uint8Array(seed.subarray(0, seed.findLastIndex((byte) => byte > 32) + 1)));
    } catch {
      throw new Error(
        `${path} is not an nkeys curve seed; remove it, and the agent creates a new one (the bridge seals secrets again)`,
      );
    }
  })();
  return {
    sealKey: pair.getPublicKey(),
    open: ({ ref, sender, sealed }) => {
      const opened = (() => {
        try {
          return pair.open(new Uint8Array(Buffer.from(sealed, 'base64')), sender);
        } catch {
          return null;
        }
      })();
      if (opened === null) {
        throw new SecretError(
          'CannotOpen',
          `secret ${ref} is not sealed to this node's key; the bridge seals it again once it has seen the key ${pair.getPublicKey()} in ifactor_nodes`,
        );
      }
      return Buffer.from(opened);
    },
  };
}
