import type { Clock } from '@ifactor/common';
import { makeSigningKey, readSigningKey } from '@ifactor/common/signature';
import { createSigner } from '../signing/signer.ts';
import type { Signer } from '../signing/signer.ts';

/** The cluster of all bridges in tests. */
const testCluster = '6f1e5f0c-0d4e-4c7e-9b7e-3f9f4f2d8a11';

const key = readSigningKey(makeSigningKey());

/** A bridge's signer; all of a test file share one key. */
export function testSigner(clock: Clock): Signer {
  const signer = createSigner(clock);
  signer.use({ key, cluster: testCluster, keyChanges: '' });
  return signer;
}
