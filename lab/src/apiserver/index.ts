import { crdPath } from '#files';
import type { Json } from '@ifactor/common/json';
import { readDefinition } from './schema/resource.ts';

export { startApiServer } from './http/server.ts';
export type { ApiServer, ApiServerOptions } from './http/server.ts';
export { kubeconfigText } from './http/kubeconfig.ts';

/** The CRDs of ifactor, as committed. */
export const ownDefinitions = (): Json[] =>
  ['wireguardnetworkplans', 'wireguardinterfaces', 'netlinkinterfaces'].map((name) =>
    readDefinition(crdPath(`manifests/${name}.yaml`)),
  );
