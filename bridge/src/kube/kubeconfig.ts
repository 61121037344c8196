import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import { dirname, resolve } from 'node:path';
import { isLoopback, UsageError } from '@ifactor/common';
import { parse } from 'yaml';

/** How to reach an API server: `options` are asked for before each request, since tokens expire. */
export type Access = { server: URL; options: () => Promise<RequestOptions> };

type Named<T extends string, V> = { name: string } & { [K in T]?: V };
type Cluster = {
  server?: string;
  'certificate-authority'?: string;
  'certificate-authority-data'?: string;
  'insecure-skip-tls-verify'?: boolean;
  'tls-server-name'?: string;
  'proxy-url'?: string;
};
type User = {
  token?: string;
  tokenFile?: string;
  username?: string;
  password?: string;
  'client-certificate'?: string;
  'client-certificate-data'?: string;
  'client-key'?: string;
  'client-key-data'?: string;
  exec?: unknown;
  'auth-provider'?: unknown;
};
type Config = {
  'current-context'?: string;
  clusters?: Named<'cluster', Cluster>[];
  contexts?: Named<'context', { cluster: string; user?: string }>[];
  users?: Named<'user', User>[];
};

/**
 * Reads a kubeconfig file. Certificates, tokens and passwords are read here; for exec plugins, auth providers and
 * proxies client-node is loaded, which costs 0.9 s and 90 MB, more than the rest of the bridge together.
 * @throws UsageError where the file cannot be read or names no server
 */
export async function readKubeconfig(file: string): Promise<Access> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new UsageError(`cannot read the kubeconfig ${file}`, { cause });
  });
  let config: Config | null;
  try {
    config = parse(text) as Config | null;
  } catch (cause) {
    throw new UsageError(`the kubeconfig ${file} is not YAML`, { cause });
  }
  const current = config?.['current-context'];
  const context = config?.contexts?.find(({ name }) => name === current)?.context;
  const cluster = config?.clusters?.find(({ name }) => name === context?.cluster)?.cluster;
  const user = config?.users?.find(({ name }) => name === context?.user)?.user ?? {};
  if (cluster?.server === undefined || !URL.canParse(cluster.server)) {
    throw new UsageError(`the kubeconfig ${file} names no server: check current-context, contexts and clusters`);
  }
  const server = new URL(cluster.server);
  const proofs = [user.token, user.tokenFile, user.username, user.exec, user['auth-provider']];
  const host = server.hostname.replace(/^\[(.*)\]$/, '$1');
  if (server.protocol !== 'https:' && !isLoopback(host) && proofs.some((proof) => proof !== undefined))
    throw new UsageError(
      `credentials are not sent to ${server.host} over plain text: give https:// in the kubeconfig ${file}`,
    );
  if (user.exec !== undefined || user['auth-provider'] !== undefined || cluster['proxy-url'] !== undefined) {
    return { server, options: await viaClientNode(file) };
  }
  const folder = dirname(resolve(file));
  const part = (data: string | undefined, path: string | undefined): Promise<Buffer> | undefined => {
    if (data !== undefined) return Promise.resolve(Buffer.from(data, 'base64'));
    if (path === undefined) return undefined;
    return readFile(resolve(folder, path)).catch((cause: unknown) => {
      throw new UsageError(`cannot read ${path}, named in the kubeconfig ${file}`, { cause });
    });
  };
  const ca = await part(cluster['certificate-authority-data'], cluster['certificate-authority']);
  const cert = await part(user['client-certificate-data'], user['client-certificate']);
  const key = await part(user['client-key-data'], user['client-key']);
  const serverName = cluster['tls-server-name'];
  const fixed: RequestOptions = {
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(serverName !== undefined && { servername: serverName }),
    ...(cluster['insecure-skip-tls-verify'] === true && { rejectUnauthorized: false }),
    ...(user.username !== undefined && { auth: `${user.username}:${user.password ?? ''}` }),
  };
  const { tokenFile } = user;
  const token = tokenFile === undefined ? () => Promise.resolve(user.token) : tokenFrom(resolve(folder, tokenFile));
  return { server, options: bearing(fixed, token) };
}

const account = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Access as a pod's service account, or undefined outside of a cluster. */
export async function inCluster(): Promise<Access | undefined> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = process.env;
  if (host === undefined) return undefined;
  const ca = await readFile(`${account}/ca.crt`).catch(() => undefined);
  if (ca === undefined) return undefined;
  const server = new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`);
  return { server, options: bearing({ ca }, tokenFrom(`${account}/token`)) };
}

function bearing(fixed: RequestOptions, token: () => Promise<string | undefined>): Access['options'] {
  return async () => {
    const value = await token();
    return value === undefined ? { ...fixed } : { ...fixed, headers: { authorization: `Bearer ${value}` } };
  };
}

/** The kubelet renews projected tokens in place. */
function tokenFrom(path: string): () => Promise<string> {
  return async () => (await readFile(path, 'utf8')).trim();
}

async function viaClientNode(file: string): Promise<Access['options']> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  config.loadFromFile(file);
  return async () => {
    const options: RequestOptions = {};
    await config.applyToHTTPSOptions(options);
    return options;
  };
}
