import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answered, createClient, readKubeconfig } from '@ifactor/bridge';
import type { Client } from '@ifactor/bridge';
import { streams } from '@ifactor/common/nats';
import { until } from '@ifactor/common/testing';
import { jetstreamManager } from '@nats-io/jetstream';
import { expect, onTestFinished, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { startAgent } from './agent.ts';
import { link } from './kernel.ts';
import { startProxy } from './proxy.ts';
import { example, startWorld } from './world.ts';
import type { BridgeProcess, Manifest, World } from './world.ts';

/*
 * On the real API server, with the rights of bridge/rbac.yaml: they are taken away and given back, a kind at a time, while the
 * bridge runs and while it starts. IFACTOR_RBAC_ROUNDS says how often (10 in CI, 100 in a long run).
 */
const rounds = Number(process.env['IFACTOR_RBAC_ROUNDS'] ?? 10);

type Rule = { apiGroups: string[]; resources: string[]; verbs: string[] };
type Role = Manifest & { rules: Rule[] };

const group = '/apis/rbac.authorization.k8s.io/v1';
const role = `${group}/clusterroles/ifactor-bridge`;
const all = ['wireguardnetworkplans', 'wireguardinterfaces', 'netlinkinterfaces', 'secrets'];
const paths: Record<string, string> = {
  Namespace: '/api/v1/namespaces',
  ServiceAccount: '/api/v1/namespaces/ifactor/serviceaccounts',
  ClusterRole: `${group}/clusterroles`,
  ClusterRoleBinding: `${group}/clusterrolebindings`,
  Role: `${group}/namespaces/ifactor/roles`,
  RoleBinding: `${group}/namespaces/ifactor/rolebindings`,
};

/** Applies bridge/rbac.yaml; resolves to the rules of its ClusterRole. */
async function grant(client: Client): Promise<Rule[]> {
  const text = await readFile(new URL('../../bridge/rbac.yaml', import.meta.url), 'utf8');
  const manifests = parseAllDocuments(text).map((document) => document.toJS() as Manifest);
  for (const body of manifests) {
    const path = paths[body.kind] ?? '';
    await client
      .call('POST', path, { body })
      .catch(() => client.call('PATCH', `${path}/${body.metadata.name}`, { body, patch: 'merge' }));
  }
  return (manifests.find(({ kind }) => kind === 'ClusterRole') as Role).rules;
}

/** A kubeconfig of the bridge's own service account, by way of a proxy. */
async function kubeconfigOf({ client, kubeconfig }: World, port: number): Promise<string> {
  const account = `${paths['ServiceAccount']}/ifactor-bridge/token`;
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 36_000 } };
  const { status } = await client.call<{ status: { token: string } }>('POST', account, { body });
  const config = parse(await readFile(kubeconfig, 'utf8')) as {
    clusters: { cluster: { server: string } }[];
    users: { user: object }[];
  };
  for (const { cluster } of config.clusters) cluster.server = `https://127.0.0.1:${port}`;
  for (const each of config.users) each.user = { token: status.token };
  const folder = await mkdtemp(join(tmpdir(), 'ift-rbac-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'kubeconfig'), JSON.stringify(config), { mode: 0o600 });
  return join(folder, 'kubeconfig');
}

const publicKey = (name: string): string => Buffer.alloc(32, name).toString('base64');
const ready = (world: World, plural: string, name: string): Promise<unknown> =>
  until(
    async () => {
      const { conditions = [] } = ((await world.get(plural, name))?.status ?? {}) as {
        conditions?: { type: string; status: string }[];
      };
      return conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
    },
    `${name} to be Ready`,
    60_000,
  );

/** What nothing may change: objects with their uid, generation and finalizers, and the place of the last message. */
async function untouchable(world: World, lastSequence: () => Promise<number>): Promise<string[]> {
  const lists = await Promise.all(all.map((plural) => world.list(plural)));
  const objects = lists
    .flat()
    .map(({ metadata: { name, uid, generation, finalizers, deletionTimestamp } }) =>
      JSON.stringify([name, uid, generation, finalizers, deletionTimestamp]),
    );
  return [...objects.toSorted(), `message ${await lastSequence()}`];
}

const count = (bridge: BridgeProcess, pattern: RegExp): number =>
  (bridge.output().match(new RegExp(pattern, 'g')) ?? []).length;
const says = (bridge: BridgeProcess, pattern: RegExp, times: number): Promise<unknown> =>
  until(() => count(bridge, pattern) > times, `another ${pattern.source} in the log`, 60_000);
const again = /the API server answers again/;

test(
  `rights taken away and given back ${rounds} times remove nothing`,
  async () => {
    await using world = await startWorld('real');
    const { client } = world;
    const rules = await grant(client);
    const may = (...missing: string[]): Promise<unknown> => {
      const without = rules.filter(({ resources }) => !missing.includes(resources[0]?.split('/')[0] ?? ''));
      // Rules of several kinds lose one of them.
      const left = without.map((rule) => ({
        ...rule,
        resources: rule.resources.filter((one) => !missing.includes(one.split('/')[0] ?? '')),
      }));
      return client.call('PATCH', role, {
        patch: 'merge',
        body: { rules: left.filter(({ resources }) => resources[0]) },
      });
    };
    const { hostname, port } = new URL(parse(await readFile(world.kubeconfig, 'utf8')).clusters[0].cluster.server);
    const proxy = await startProxy(hostname, Number(port));
    onTestFinished(() => proxy.shut());
    const kubeconfig = await kubeconfigOf(world, proxy.port);
    const own = createClient(await readKubeconfig(kubeconfig));
    onTestFinished(() => own.close());
    const isRefused = (plural: string): Promise<boolean> =>
      own.call('GET', plural === 'secrets' ? '/api/v1/secrets' : `/apis/networking.dn42.io/v1alpha1/${plural}`).then(
        () => false,
        (error: unknown) => answered(error, 403),
      );
    const connection = await world.nats.connect();
    for (const node of ['lax1', 'lax2']) await startAgent(connection, node, { publicKey });
    const manager = await jetstreamManager(connection);
    const lastSequence = async (): Promise<number> => (await manager.streams.info(streams.desired)).state.last_seq;
    const start = (at: number): Promise<BridgeProcess> =>
      world.bridge(`bridge${at}`, kubeconfig, '--lease-namespace', 'ifactor');

    let bridge = await start(0);
    const plan = parse(await example('wgp1.yaml')) as Manifest;
    Object.assign((plan['spec'] as { nodes: object[] }).nodes[0] ?? {}, { privateKey: publicKey('inline') });
    await world.create(plan);
    await world.create(link('br1'));
    await ready(world, 'wireguardnetworkplans', 'wgp1');
    await ready(world, 'netlinkinterfaces', 'br1');
    const before = await untouchable(world, lastSequence);
    expect(before.length).toBeGreaterThan(5);

    for (let round = 0; round < rounds; round++) {
      const missing = all[round % (all.length + 1)] === undefined ? all : [all[round % (all.length + 1)] ?? ''];
      const starts = round % 2 === 1;
      if (starts) await bridge.end();
      const refusal = new RegExp(`does not let the bridge read ${missing[0]} in all namespaces.*nothing is removed`);
      const [refusals, returns] = starts ? [0, 0] : [count(bridge, refusal), count(bridge, again)];
      await may(...missing);
      await until(() => isRefused(missing[0] ?? ''), 'the API server to refuse');
      if (starts) bridge = await start(round);
      else {
        // The server lets open watches go on, whoever has them.
        await proxy.shut();
        await proxy.open();
      }
      await says(bridge, refusal, refusals);
      if (missing.length === 1 && /secrets|wireguardinterfaces/.test(missing[0] ?? '')) {
        await world.patch('wireguardnetworkplans', 'wgp1', { metadata: { annotations: { round: String(round) } } });
        const conditions = await until(
          async () => {
            const { status } = (await world.get('wireguardnetworkplans', 'wgp1')) ?? {};
            const found = (status?.['conditions'] ?? []) as { reason: string; message: string }[];
            return found.some(({ reason }) => reason === 'ListIncomplete') && found;
          },
          `the condition of round ${round}`,
          60_000,
        );
        expect(conditions[0]?.message).toContain(`${missing[0]} cannot be listed`);
      }
      expect(await untouchable(world, lastSequence), `round ${round}: without ${missing.join()}`).toEqual(before);
      await may();
      await says(bridge, again, returns);
      await ready(world, 'wireguardnetworkplans', 'wgp1');
      expect(await untouchable(world, lastSequence), `after round ${round}`).toEqual(before);
    }

    // It still does what it is there for.
    await world.create(link('br2'));
    await ready(world, 'netlinkinterfaces', 'br2');
    await world.remove('netlinkinterfaces', 'br2');
    await until(async () => (await world.get('netlinkinterfaces', 'br2')) === undefined, 'br2 to go', 60_000);
  },
  120_000 + rounds * 20_000,
);
