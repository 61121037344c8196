import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, readKubeconfig } from '@ifactor/bridge';
import type { Client } from '@ifactor/bridge';
import { freePort, startNatsCluster, until } from '@ifactor/common/testing';
import type { NatsCluster } from '@ifactor/common/testing';
import { parse } from 'yaml';
import { endDaemons, repository, run } from '../heal/world.ts';
import { startKube } from '../kube/server.ts';
import { nodePart } from './part.ts';
import type { Part } from './part.ts';

/** `lab`: the API server that the lab embeds; `real`: kube-apiserver with etcd. */
export type ApiKind = 'lab' | 'real';

export const nodes = ['lax1', 'lax2'] as const;
export type Node = (typeof nodes)[number];
/** The container of each node. */
export const containers = { lax1: 'agent1', lax2: 'agent2' } as const;
export type Place = Node | (typeof containers)[Node];
export const places: readonly Place[] = [...nodes, ...Object.values(containers)];

/** One API server, three NATS servers, two bridges and two agents, each a process that may be killed or frozen. */
export type Cluster = {
  readonly folder: string;
  readonly kubeconfig: string;
  readonly client: Client;
  readonly nats: NatsCluster;
  readonly parts: readonly Part[];
  /** `ip` in a node or container. */
  ip(place: Place, ...args: string[]): Promise<string>;
  /** `wg show LINK dump` in a node's container, whoever serves its tunnels. */
  wg(node: Node, link: string): Promise<string>;
  stop(): Promise<void>;
};

const netns = (place: Place): string => `ift-${process.pid}-c${place}`;
const ip = async (place: Place, ...args: string[]): Promise<string> =>
  (await run('ip', ['-n', netns(place), ...args], { maxBuffer: 64 << 20 })).stdout;
const program = (path: string): string => join(repository, path);

/** Starts all of it, agents and bridges included. */
export async function startCluster(kind: ApiKind): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), 'ift-chaos-'));
  for (const name of ['logs', 'agents']) mkdirSync(join(folder, name));
  const undo: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  const log = (name: string): string => join(folder, 'logs', `${name}.log`);
  try {
    for (const place of places) {
      await run('ip', ['netns', 'add', netns(place)]);
      undo.push(() => run('ip', ['netns', 'del', netns(place)]));
      await ip(place, 'link', 'set', 'lo', 'up');
    }
    await ip('lax1', 'link', 'add', 'underlay0', 'type', 'veth', 'peer', 'underlay0', 'netns', netns('lax2'));
    for (const [at, node] of nodes.entries()) {
      await ip(node, 'address', 'add', `192.0.2.${at + 1}/24`, 'dev', 'underlay0');
      await ip(node, 'link', 'set', 'underlay0', 'up');
    }
    const nats = await startNatsCluster();
    undo.push(() => nats[Symbol.asyncDispose]());
    const api = await startApi(kind, folder, log('apiserver'));
    undo.push(api.stop);
    const client = createClient(await readKubeconfig(api.kubeconfig));
    undo.push(() => client.close());
    await serveKinds(client);

    const bridges = ['bridge1', 'bridge2'].map((name) => {
      const reach = ['--kubeconfig', api.kubeconfig, '--nats', nats.url, '--lease-seconds', '4'];
      return nodePart(name, [program('bridge/src/main.ts'), ...reach, '--identity', name], log(name));
    });
    const agents = nodes.map((node) => {
      const aliases = nodes.flatMap((each) => [
        '--container-alias',
        `${containers[each]}=netns:/run/netns/${netns(containers[each])}`,
      ]);
      const place = ['--state-dir', join(folder, 'agents', node), '--netns', `/run/netns/${netns(node)}`, ...aliases];
      const args = [program('actors/src/main.ts'), '--node', node, '--nats', nats.url, ...place];
      return nodePart(node, args, log(node));
    });
    undo.push(() => {
      for (const node of nodes) endDaemons(join(folder, 'agents', node, 'wireguard-go'));
    });
    for (const part of [...bridges, ...agents]) {
      undo.push(() => part.kill());
      await part.start();
    }
    const servers = nats.servers.map((server, at): Part => ({
      ...server,
      name: `nats${at + 1}`,
      kill: () => server.kill(),
    }));
    const wg = async (node: Node, link: string): Promise<string> => {
      const box = netns(containers[node]);
      const sockets = join(folder, 'agents', node, 'wireguard', String(statSync(`/run/netns/${box}`).ino));
      const args = ['show', link, 'dump'];
      if (!existsSync(sockets)) return (await run('ip', ['netns', 'exec', box, 'wg', ...args])).stdout;
      const script = 'mount --bind "$1" /var/run/wireguard && shift && exec wg "$@"';
      return (await run('unshare', ['--mount', 'sh', '-c', script, 'sh', sockets, ...args])).stdout;
    };
    const parts = [api.part, ...servers, ...bridges, ...agents];
    return { folder, kubeconfig: api.kubeconfig, client, nats, parts, ip, wg, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Api = { kubeconfig: string; part: Part; stop: () => Promise<void> };

async function startApi(kind: ApiKind, folder: string, logFile: string): Promise<Api> {
  if (kind === 'real') {
    const kube = await startKube({ dir: join(folder, 'kube') });
    return { kubeconfig: kube.kubeconfig, part: { ...kube.apiserver, name: 'apiserver' }, stop: () => kube.stop() };
  }
  const kubeconfig = join(folder, 'kubeconfig');
  const flags = ['--dir', join(folder, 'apiserver'), '--port', String(await freePort()), '--kubeconfig', kubeconfig];
  const part = nodePart('apiserver', [program('lab/src/apiserver/main.ts'), ...flags], logFile);
  await part.start();
  await until(() => existsSync(kubeconfig), 'the API server', 60_000);
  return { kubeconfig, part, stop: () => part.kill() };
}

/** Teaches the server our kinds where it does not know them. */
async function serveKinds(client: Client): Promise<void> {
  const folder = program('crds/manifests');
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.yaml'))) {
    const body: unknown = parse(readFileSync(join(folder, file), 'utf8'));
    await client
      .call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body })
      .catch(() => undefined);
    const list = `/apis/networking.dn42.io/v1alpha1/namespaces/default/${file.replace('.yaml', '')}`;
    await until(
      () =>
        client.call('GET', list).then(
          () => true,
          () => false,
        ),
      `${file} to be served`,
      60_000,
    );
  }
}
