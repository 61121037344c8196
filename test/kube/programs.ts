import { join } from 'node:path';
import { buildKube } from './build.ts';
import { KubeUnavailable } from './error.ts';
import { executable, onPath } from './path.ts';

/** Paths of what makes up an API server. */
export interface Programs {
  etcd: string;
  apiserver: string;
  /** Absent: owner references are not followed, deleted namespaces not emptied. */
  controllers?: string;
}

/**
 * The programs in KUBEBUILDER_ASSETS, or etcd from PATH and the rest from the cache, built first if need be.
 * @throws KubeUnavailable naming what is missing and how to get it.
 */
export async function findPrograms(report: (line: string) => void): Promise<Programs> {
  const assets = process.env['KUBEBUILDER_ASSETS'];
  if (assets) return fromAssets(assets);
  const etcd = await onPath('etcd');
  if (etcd === undefined)
    throw new KubeUnavailable('etcd is missing: apt-get install --no-install-recommends etcd-server');
  const built = await buildKube(report);
  return { etcd, apiserver: built['kube-apiserver'], controllers: built['kube-controller-manager'] };
}

async function fromAssets(folder: string): Promise<Programs> {
  const programs: Programs = { etcd: join(folder, 'etcd'), apiserver: join(folder, 'kube-apiserver') };
  for (const path of Object.values(programs)) {
    if (!(await executable(path))) {
      throw new KubeUnavailable(
        `KUBEBUILDER_ASSETS is set, but ${path} cannot be run; unset it to have Kubernetes built from source`,
      );
    }
  }
  const controllers = join(folder, 'kube-controller-manager');
  return (await executable(controllers)) ? { ...programs, controllers } : programs;
}
