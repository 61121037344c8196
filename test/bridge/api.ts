import { createClient, readKubeconfig } from '@ifactor/bridge';
import type { KubeObject } from '@ifactor/bridge';
import { startKube } from '../kube/server.ts';

export type Api = { kubeconfig: string; stop(): Promise<void> };

export async function startApi(): Promise<Api> {
  const given = process.env['IFACTOR_TEST_KUBECONFIG'];
  if (given) {
    await clean(given);
    return { kubeconfig: given, stop: () => clean(given) };
  }
  return startKube();
}

async function clean(kubeconfig: string): Promise<void> {
  const client = createClient(await readKubeconfig(kubeconfig));
  const base = '/apis/networking.dn42.io/v1alpha1/namespaces/default';
  for (const plural of ['wireguardnetworkplans', 'wireguardinterfaces', 'netlinkinterfaces']) {
    await client.call('DELETE', `${base}/${plural}`).catch(() => {});
    const { items } = await client.call<{ items: KubeObject[] }>('GET', `${base}/${plural}`);
    await Promise.all(items.map(({ metadata: { name } }) => client.call('PATCH', `${base}/${plural}/${name}`, { patch: 'merge', body: { metadata: { finalizers: null } } }).catch(() => {})));
  }
  await client.call('DELETE', '/api/v1/namespaces/default/secrets').catch(() => {});
  await client.call('DELETE', '/api/v1/namespaces/default/events').catch(() => {});
  await client.call('DELETE', '/apis/coordination.k8s.io/v1/namespaces/default/leases/ifactor-bridge').catch(() => {});
  client.close();
}
