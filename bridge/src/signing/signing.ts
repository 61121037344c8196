import { explain, sleep } from '@ifactor/common';
import type { BridgeContext } from '../context.ts';
import type { Outage } from '../view/outage.ts';
import type { Signer } from './signer.ts';
import { loadSigningKey, signingSecret } from './signingKey.ts';

export type SigningOptions = {
  context: Pick<BridgeContext, 'api' | 'clock' | 'log'>;
  /** Namespace of the Lease, and of the Secret with the key. */
  namespace: string;
  signer: Signer;
  leads: () => boolean;
  /** The key was replaced: everything has to be signed again. */
  replaced: () => void;
  signal: AbortSignal;
};

/** Gives the signer of a leading bridge the key that all bridges of its Lease sign with. */
export type Signing = {
  /** Reads the key, or makes it. Resolves to false if the bridge stopped leading before. */
  begin(cluster: string, outage: Outage): Promise<boolean>;
  /** A Secret changed. @param key `namespace/name` */
  secretChanged(key: string): void;
};

const retryMs = 2000;

export function createSigning({ context, namespace, signer, leads, replaced, signal }: SigningOptions): Signing {
  const { api, clock, log } = context;
  const secret = `${namespace}/${signingSecret}`;
  let used: { cluster: string; publicKey: string } | undefined;

  async function load(cluster: string): Promise<void> {
    const { key, keyChanges } = await loadSigningKey(api, namespace, signal);
    const { publicKey } = key;
    signer.use({ key, cluster, keyChanges });
    if (used?.publicKey !== publicKey) log.info('signs what is desired', { key: publicKey });
    const before = used;
    used = { cluster, publicKey };
    if (before !== undefined && before.publicKey !== publicKey) replaced();
  }

  return {
    async begin(cluster, outage) {
      while (leads() && !signal.aborted) {
        try {
          await load(cluster);
          outage.up('signing key');
          return true;
        } catch (error) {
          outage.down('signing key', `waiting for the signing key in Secret ${secret}: see bridge/rbac.yaml`, error);
          await sleep(clock, retryMs, signal);
        }
      }
      return false;
    },
    secretChanged(key) {
      if (key !== secret || used === undefined || !leads()) return;
      load(used.cluster).catch((error: unknown) =>
        log.error(`failed to read the signing key in Secret ${secret}; signing with the one before`, {
          error: explain(error),
        }),
      );
    },
  };
}
