import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, readKubeconfig } from '@ifactor/bridge';
import type { Client, KubeObject } from '@ifactor/bridge';
import { until } from '@ifactor/common/testing';
import { afterAll } from 'vitest';
import { parse } from 'yaml';
import { kubeconfigText, ownDefinitions, startApiServer } from '@ifactor/lab/apiserver';
import { startKube } from '../kube/server.ts';

/** `lab`: the one that the lab embeds; `real`: kube-apiserver. The bridge must not know the difference. */
export type ApiKind = 'lab' | 'real';

/** An API server with our CRDs. */
export type Api = { kubeconfig: string; client: Client; stop(): Promise<void> };

const plurals = ['wireguardnetworkplans', 'wireguardinterfaces', 'netlinkinterfaces'] as const;
const ours = '/apis/networking.dn42.io/v1alpha1/namespaces/default';
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

let shared: Promise<Api> | undefined;
afterAll(async () => (await shared)?.stop());

/** The test file's one API server, emptied; IFACTOR_TEST_KUBECONFIG names one that runs already. */
export async function emptyApi(kind: ApiKind): Promise<Api> {
  shared ??= start(kind);
  const api = await shared;
  await empty(api.client);
  return api;
}

async function start(kind: ApiKind): Promise<Api> {
  const given = process.env['IFACTOR_TEST_KUBECONFIG'];
  const kube = given
    ? { kubeconfig: given, stop: () => Promise.resolve() }
    : await (kind === 'real' ? startKube() : startLabServer());
  const client = createClient(await readKubeconfig(kube.kubeconfig));
  for (const plural of plurals) {
    const body: unknown = parse(
      await readFile(new URL(`../../crds/manifests/${plural}.yaml`, import.meta.url), 'utf8'),
    );
    // It has it already, or it is the lab's, which always has.
    await client.call('POST', definitions, { body }).catch(() => undefined);
    await until(
      () =>
        client.call('GET', `${ours}/${plural}`).then(
          () => true,
          () => false,
        ),
      `${plural} to be served`,
    );
  }
  return {
    kubeconfig: kube.kubeconfig,
    client,
    async stop() {
      await empty(client);
      client.close();
      await kube.stop();
    },
  };
}

/** The lab's API server, of its own, empty. */
export async function startLabServer(): Promise<{ kubeconfig: string; stop(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'ift-api-'));
  const server = await startApiServer({
    definitions: ownDefinitions(),
    token: randomBytes(16).toString('hex'),
    dataDir: folder,
  });
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, kubeconfigText(server));
  return {
    kubeconfig,
    async stop() {
      await server.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** Removes what tests make, finalizers or not. */
async function empty(client: Client): Promise<void> {
  await drop(client, '/apis/coordination.k8s.io/v1/namespaces/default/leases');
  for (const plural of plurals) {
    await until(async () => {
      await drop(client, `${ours}/${plural}`);
      const { items } = await client.call<{ items: KubeObject[] }>('GET', `${ours}/${plural}`);
      const release = ({ metadata: { name } }: KubeObject): Promise<unknown> =>
        client
          .call('PATCH', `${ours}/${plural}/${name}`, { patch: 'merge', body: { metadata: { finalizers: null } } })
          .catch(() => undefined);
      await Promise.all(items.map(release));
      return items.length === 0;
    }, `${plural} to be empty`);
  }
  await drop(client, '/api/v1/namespaces/default/secrets');
  await drop(client, '/api/v1/namespaces/default/events');
}

async function drop(client: Client, collection: string): Promise<void> {
  await client.call('DELETE', collection);
}
