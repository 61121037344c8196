import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { answered } from '@ifactor/bridge';
import type { Client, KubeObject } from '@ifactor/bridge';
import { startNats, until } from '@ifactor/common/testing';
import type { NatsServer, NatsServerOptions } from '@ifactor/common/testing';
import { emptyApi } from './api.ts';
import type { ApiKind } from './api.ts';

const root = resolve(import.meta.dirname, '../..');
const group = '/apis/networking.dn42.io/v1alpha1';

/** A bridge in a process of its own. */
export type BridgeProcess = {
  /** What it has logged so far. */
  output(): string;
  /** Waits for a line of its log that matches; looks from the beginning. */
  said(pattern: RegExp, milliseconds?: number): Promise<void>;
  /** SIGSTOP stops it between two instructions, SIGCONT lets it go on. */
  send(signal: 'SIGSTOP' | 'SIGCONT'): void;
  /** @returns its exit code, null where a signal ended it */
  end(signal?: NodeJS.Signals): Promise<number | null>;
};

/** An API server with the CRDs, a NATS server, and bridges between them. */
export type World = {
  client: Client;
  nats: NatsServer;
  kubeconfig: string;
  bridge(identity?: string, kubeconfig?: string, ...flags: string[]): Promise<BridgeProcess>;
  create(manifest: Manifest): Promise<KubeObject>;
  get(plural: string, name: string): Promise<KubeObject | undefined>;
  /** Lets a bridge with its Lease in that namespace sign with the key of those of `default`: an agent accepts only one. */
  shareSigningKey(namespace: string): Promise<void>;
  /** Identity of the bridge that holds the Lease; undefined where none does. */
  leader(): Promise<string | undefined>;
  list(plural: string): Promise<KubeObject[]>;
  patch(plural: string, name: string, change: object): Promise<KubeObject>;
  remove(plural: string, name: string): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

export type Manifest = {
  apiVersion?: string;
  kind: string;
  metadata: { name: string; [field: string]: unknown };
  [field: string]: unknown;
};

const core = new Set(['secrets', 'events']);
const path = (plural: string, name?: string): string =>
  `${core.has(plural) ? '/api/v1' : group}/namespaces/default/${plural}${name === undefined ? '' : `/${name}`}`;

export async function startWorld(kind: ApiKind = 'lab', server: NatsServerOptions = {}): Promise<World> {
  const api = await emptyApi(kind);
  const nats = await startNats(server);
  const { client } = api;
  const running: BridgeProcess[] = [];
  return {
    client,
    nats,
    kubeconfig: api.kubeconfig,
    async bridge(identity = 'test', kubeconfig = api.kubeconfig, ...flags) {
      const started = startBridge(kubeconfig, nats.url, identity, flags);
      running.push(started);
      await started.said(/ready/);
      return started;
    },
    create: (manifest) =>
      client.call('POST', path(`${manifest.kind.toLowerCase()}s`), {
        body: { apiVersion: manifest.kind === 'Secret' ? 'v1' : 'networking.dn42.io/v1alpha1', ...manifest },
      }),
    async get(plural, name) {
      try {
        return await client.call<KubeObject>('GET', path(plural, name));
      } catch (error) {
        if (answered(error, 404)) return undefined;
        throw error;
      }
    },
    async shareSigningKey(namespace) {
      const name = 'ifactor-signing-key';
      const find = (): Promise<KubeObject | undefined> =>
        client.call<KubeObject>('GET', path('secrets', name)).catch(() => undefined);
      const own = await until(find, 'the signing key');
      const body = { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, data: own['data'] };
      await client.call('POST', `/api/v1/namespaces/${namespace}/secrets`, { body });
    },
    async leader() {
      const lease = '/apis/coordination.k8s.io/v1/namespaces/default/leases/ifactor-bridge';
      return ((await client.call<KubeObject>('GET', lease)).spec as { holderIdentity?: string }).holderIdentity;
    },
    list: async (plural) => (await client.call<{ items: KubeObject[] }>('GET', path(plural))).items,
    patch: (plural, name, change) => client.call('PATCH', path(plural, name), { patch: 'merge', body: change }),
    remove: async (plural, name) => {
      await client.call('DELETE', path(plural, name));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(running.map((bridge) => bridge.end('SIGKILL')));
      await nats[Symbol.asyncDispose]();
    },
  };
}

/** @param tree root of the tree to run */
export function startBridge(
  kubeconfig: string,
  nats: string,
  identity: string,
  flags: readonly string[],
  tree = root,
): BridgeProcess {
  const child = spawn(
    process.execPath,
    [resolve(tree, 'bridge/src/main.ts'), '--kubeconfig', kubeconfig, '--nats', nats, '--identity', identity, ...flags],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  // A test that runs out of time is never disposed of.
  process.once('exit', () => child.kill('SIGKILL'));
  let output = '';
  const ended = once(child, 'exit') as Promise<[number | null]>;
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    if (process.env['DEBUG']) process.stderr.write(`${identity}: ${chunk.toString()}`);
  });
  return {
    output: () => output,
    async said(pattern, milliseconds = 30_000) {
      await until(
        () => {
          if (child.exitCode !== null) throw new Error(`the bridge ended with ${child.exitCode}: ${output}`);
          return pattern.test(output);
        },
        `${pattern.source} in the log of bridge ${identity}`,
        milliseconds,
      );
    },
    send: (signal) => void child.kill(signal),
    async end(signal = 'SIGTERM') {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      const [code] = child.exitCode === null && child.signalCode === null ? await ended : [child.exitCode];
      return code;
    },
  };
}

/** The text of a committed example, by its file name. */
export function example(name: string): Promise<string> {
  return readFile(resolve(root, 'crds/examples', name), 'utf8');
}
