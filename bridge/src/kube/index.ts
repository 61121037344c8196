/** Access to the API server for the operator's program, without the bridge itself. */
export { createClient } from './client.ts';
export { createKubeApi } from './http.ts';
export { readKubeconfig } from './kubeconfig.ts';
export type { KubeApi } from './port.ts';
export { releaseHeld } from '../desired/hold.ts';
export { forgetSealKey } from '../signing/sealKeys.ts';
export { rotateSigningKey } from '../signing/signingKey.ts';
