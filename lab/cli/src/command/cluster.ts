import { createClient, createKubeApi, readKubeconfig } from '@ifactor/bridge/kube';
import type { KubeApi } from '@ifactor/bridge/kube';
import { UsageError } from '@ifactor/common';
import { environmentOf, labDir, readManifest } from '@ifactor/lab';
import type { Command } from 'commander';

export type ClusterFlags = { kubeconfig?: string; leaseNamespace: string; dir?: string };

/** Adds the options that say which cluster, and which of its bridges. */
export const ofCluster = (command: Command): Command =>
  command
    .option('--kubeconfig <file>', 'the cluster (default: $KUBECONFIG, else the lab of this folder)')
    .option('--lease-namespace <name>', 'namespace of the Lease ifactor-bridge', 'default')
    .option('--dir <folder>', "the lab's folder (default: .lab)");

export async function withCluster<T>(flags: ClusterFlags, work: (api: KubeApi) => Promise<T>): Promise<T> {
  const client = createClient(await readKubeconfig(kubeconfigOf(flags)));
  try {
    return await work(createKubeApi(client));
  } finally {
    client.close();
  }
}

/** @throws UsageError */
function kubeconfigOf({ kubeconfig, dir }: ClusterFlags): string {
  const given = kubeconfig ?? process.env['KUBECONFIG'];
  if (given) return given.split(':')[0] ?? given;
  const lab = readManifest(labDir(dir));
  const found = lab && environmentOf(lab)['KUBECONFIG'];
  if (found === undefined)
    throw new UsageError('no cluster is known: give --kubeconfig, set KUBECONFIG, or run this where a lab is up');
  return found;
}
