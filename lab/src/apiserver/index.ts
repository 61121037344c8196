import { crdFile } from '#files';
import type { Json } from '@ifactor/common/json';
import { readDefinition } from './schema/resource.ts';

export { startApiServer } from './http/server.ts';
export type { ApiServer, ApiServerOptions } from './http/server.ts';
export { kubeconfigOf } from './http/kubeconfig.ts';

/** The CRDs of ifactor, as committed. */
export const ownDefinitions = (): Json[] =>
  ['wireguardnetworkplans', 'wireguardinterfaces', 'netlinkinterfaces'].map((name) =>
    readDefinition(crdFile(`manifests/${name}.yaml`)),
  );
