import { fileURLToPath } from 'node:url';
import type { Json } from '@ifactor/common/json';
import { readDefinition } from './resource.ts';

export { startApiServer } from './server.ts';
export type { ApiServer, ApiServerOptions } from './server.ts';
export { kubeconfigOf } from './kubeconfig.ts';

/** The CRDs of ifactor, as committed. */
export const ownDefinitions = (): Json[] =>
  ['wireguardnetworkplans', 'wireguardinterfaces', 'netlinkinterfaces'].map((name) =>
    readDefinition(fileURLToPath(import.meta.resolve(`@ifactor/crds/manifests/${name}.yaml`))),
  );
