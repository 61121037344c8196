import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { createClient, readKubeconfig } from '@ifactor/bridge';
import type { Client, KubeObject } from '@ifactor/bridge';
import { connectOnce } from '@ifactor/common/nats';
import { startNats, until } from '@ifactor/common/testing';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startLabServer } from './api.ts';
import { link, runKernelAgent } from './kernel.ts';
import { startBridge } from './world.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/* Two clusters share one NATS: each has a prefix, nodes of the same name, and never a message of the other. */

const main = resolve(import.meta.dirname, '../../lab/cli/src/main.ts');
const objects = '/apis/networking.dn42.io/v1alpha1/namespaces/default/netlinkinterfaces';
const prefixes = ['east', 'west'] as const;
type Prefix = (typeof prefixes)[number];
type Cluster = { client: Client; links: () => object; end(): Promise<void> };

const stack = new AsyncDisposableStack();
let url: string;
/** Without a prefix: it sees what there is. */
let connection: NatsConnection;
let clusters: Record<Prefix, Cluster>;
/** Every subject that anybody published to, but for those of the server and of answers. */
const published: string[] = [];

async function startCluster(prefix: Prefix, nats: Awaited<ReturnType<typeof startNats>>): Promise<Cluster> {
  const api = await startLabServer();
  const client = createClient(await readKubeconfig(api.kubeconfig));
  const bridge = startBridge(api.kubeconfig, nats.url, prefix, ['--prefix', prefix]);
  const agent = runKernelAgent(nats.url, '--prefix', prefix);
  return {
    client,
    links: agent.links,
    end: async () => {
      await bridge.end('SIGKILL');
      await agent.end();
      client.close();
      await api.stop();
    },
  };
}

const state = async (prefix: Prefix, name: string): Promise<unknown> =>
  ((await clusters[prefix].client.call<KubeObject>('GET', `${objects}/${name}`)).status as { state?: string })?.state;

beforeAll(async () => {
  const nats = stack.use(await startNats());
  url = nats.url;
  connection = await connectOnce({ servers: url, name: 'test' });
  stack.defer(() => connection.close());
  connection.subscribe('>', {
    callback: (_, { subject }) => {
      if (!/^[$_]/.test(subject)) published.push(subject);
    },
  });
  await connection.flush();
  const [east, west] = await Promise.all(prefixes.map((prefix) => startCluster(prefix, nats)));
  clusters = { east: east!, west: west! };
  for (const cluster of Object.values(clusters)) stack.defer(() => cluster.end());
  for (const prefix of prefixes) {
    const body = { apiVersion: 'networking.dn42.io/v1alpha1', ...link(`br-${prefix}`) };
    await clusters[prefix].client.call('POST', objects, { body });
  }
  for (const prefix of prefixes)
    await until(async () => (await state(prefix, `br-${prefix}`)) === 'configured', `br-${prefix} configured`, 60_000);
});
afterAll(() => stack.disposeAsync());

test('each cluster has the links that it declares, on the node that both call lax1', () => {
  for (const prefix of prefixes) expect(Object.keys(clusters[prefix].links())).toEqual([`br-${prefix}`]);
});

test('streams, bucket, subjects and what they hold are of one of them', async () => {
  const manager = await jetstreamManager(connection);
  const held = new Map<string, string[]>();
  for await (const { config } of manager.streams.list()) {
    const { state: found } = await manager.streams.info(config.name, { subjects_filter: '>' });
    held.set(config.name, Object.keys(found.subjects ?? {}));
  }
  const names = prefixes.flatMap((prefix) => [
    ...['DESIRED', 'EVENTS', 'STATUS'].map((name) => `${prefix}_IFACTOR_${name}`),
    `KV_${prefix}_ifactor_nodes`,
    `KV_${prefix}_ifactor_known_nodes`,
  ]);
  expect([...held.keys()].toSorted()).toEqual(names.toSorted());
  for (const prefix of prefixes) {
    const other = prefixes.find((one) => one !== prefix);
    const own = [...held].filter(([name]) => name.includes(prefix)).flatMap(([, subjects]) => subjects);
    expect(own.length).toBeGreaterThan(6);
    expect(own.filter((subject) => subject.includes(`${other}`))).toEqual([]);
    expect(own.filter((subject) => !/^(east|west)\.ifactor\.|^\$KV\.(east|west)_/.test(subject))).toEqual([]);
    // What was published is what is held, and the calls between agents.
    const said = published.filter((subject) => subject.startsWith(`${prefix}.`));
    expect(said.filter((subject) => subject.includes('br-')).every((subject) => subject.includes(`br-${prefix}`))).toBe(
      true,
    );
  }
  expect(published.filter((subject) => !/^(east|west)\.(ifactor|_INBOX)\./.test(subject))).toEqual([]);
});

test('the service answers by its own name, for its own cluster', async () => {
  for (const prefix of prefixes) {
    const { data } = await connection.request(`$SRV.INFO.${prefix}-ifactor-agent`, '', { timeout: 5000 });
    const { endpoints } = JSON.parse(new TextDecoder().decode(data)) as { endpoints: { subject: string }[] };
    expect(endpoints.map(({ subject }) => subject)).toContain(`${prefix}.ifactor.agent.lax1.snapshot`);
    const answer = await connection.request(`${prefix}.ifactor.agent.lax1.snapshot`, '', { timeout: 5000 });
    expect(answer.json<{ key: { name: string } }[]>().map(({ key }) => key.name)).toEqual([`br-${prefix}`]);
  }
});

test('ifactor reads the cluster that --prefix or IFACTOR_PREFIX names', async () => {
  const run = promisify(execFile);
  const [east, west, none] = await Promise.all([
    run(process.execPath, [main, 'events', '--nats', url, '--prefix', 'east', '--json']),
    run(process.execPath, [main, 'events', '--nats', url, '--json'], {
      env: { ...process.env, IFACTOR_PREFIX: 'west' },
    }),
    run(process.execPath, [main, 'events', '--nats', url]).catch((error: { stderr: string }) => error),
  ]);
  expect([east.stdout.includes('br-east'), east.stdout.includes('br-west')]).toEqual([true, false]);
  expect([west.stdout.includes('br-east'), west.stdout.includes('br-west')]).toEqual([false, true]);
  expect(none.stderr).toContain('there is no stream IFACTOR_EVENTS');
  await expect(run(process.execPath, [main, 'events', '--nats', url, '--prefix', 'a.b'])).rejects.toMatchObject({
    stderr: expect.stringContaining('prefix "a.b"') as string,
  });
});

test('a deletion in one leaves the other alone', async () => {
  await clusters.east.client.call('DELETE', `${objects}/br-east`);
  await until(() => Object.keys(clusters.east.links()).length === 0, 'br-east gone');
  expect(Object.keys(clusters.west.links())).toEqual(['br-west']);
  expect(await state('west', 'br-west')).toBe('configured');
});
