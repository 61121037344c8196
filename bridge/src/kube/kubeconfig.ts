import { access as accessible, readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import { dirname, resolve } from 'node:path';
import { bareHost, isLoopback, UsageError } from '@ifactor/common';
import { isRecord } from '@ifactor/common/json';
import type { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import { parse } from 'yaml';
import { adapt } from './adapt.ts';

/** How to reach an API server: `options` is called before each request, since certificates and tokens are renewed. */
export type Access = { server: URL; options: () => Promise<RequestOptions> };

/**
 * Reads a kubeconfig file. All of reaching and authenticating is client-node's: certificates, tokens, plug-ins, proxies.
 * @throws UsageError where the file cannot be read, names no server, or names a file that cannot be read
 */
export async function readKubeconfig(file: string): Promise<Access> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new UsageError(`cannot read the kubeconfig ${file}`, { cause });
  });
  const config = await emptyConfig();
  try {
    const folder = dirname(resolve(file));
    // Entries that are not used may be broken.
    config.loadFromString(JSON.stringify(adapt(parse(text), folder)), { onInvalidEntry: 'filter' });
    config.makePathsAbsolute(folder);
  } catch (cause) {
    throw new UsageError(`the kubeconfig ${file} cannot be used`, { cause });
  }
  const server = URL.parse(config.getCurrentCluster()?.server ?? '');
  if (server === null)
    throw new UsageError(`the kubeconfig ${file} names no server: check current-context, contexts and clusters`);
  refusePlainText(config, server, file);
  await checkFiles(config, file);
  return accessBy(config, server);
}

/** Access as a pod's service account, or undefined outside of a cluster. */
export async function inCluster(): Promise<Access | undefined> {
  if (process.env['KUBERNETES_SERVICE_HOST'] === undefined) return undefined;
  const config = await emptyConfig();
  config.loadFromCluster();
  const { caFile = '', server = '' } = config.getCurrentCluster() ?? {};
  const mounted = await accessible(caFile).then(
    () => true,
    () => false,
  );
  return mounted ? accessBy(config, new URL(server)) : undefined;
}

/** Loaded when needed. The package's index would load a class for each API as well. */
async function emptyConfig(): Promise<KubeConfig> {
  const loaded = await import('@kubernetes/client-node/dist/config.js');
  return new loaded.KubeConfig();
}

function accessBy(config: KubeConfig, server: URL): Access {
  return {
    server,
    async options() {
      const options: RequestOptions = {};
      await config.applyToHTTPSOptions(options).catch((cause: unknown) => {
        throw new Error(`no credentials for ${server.host}`, { cause });
      });
      // Its agent keeps the certificates of the first request; the one for a proxy is needed all the same.
      if (config.getCurrentCluster()?.proxyUrl === undefined) delete options.agent;
      const { headers } = options;
      // A token file may end in a new line, which no header can have.
      if (isRecord(headers)) for (const name of Object.keys(headers)) headers[name] = String(headers[name]).trim();
      return options;
    },
  };
}

function refusePlainText(config: KubeConfig, server: URL, file: string): void {
  const { token, username, exec, authProvider } = config.getCurrentUser() ?? {};
  const proofs: unknown[] = [token, username, exec, authProvider];
  if (
    server.protocol === 'https:' ||
    isLoopback(bareHost(server.hostname)) ||
    proofs.every((proof) => (proof ?? null) === null)
  )
    return;
  throw new UsageError(
    `credentials are not sent to ${server.host} over plain text: give https:// in the kubeconfig ${file}`,
  );
}

/** Checked at start, so that it is reported once instead of by each request. */
async function checkFiles(config: KubeConfig, file: string): Promise<void> {
  const { certFile, keyFile, authProvider } = config.getCurrentUser() ?? {};
  const provider: unknown = isRecord(authProvider) ? authProvider['config'] : undefined;
  const paths = [config.getCurrentCluster()?.caFile, certFile, keyFile, isRecord(provider) && provider['tokenFile']];
  for (const path of paths) {
    if (typeof path !== 'string') continue;
    await accessible(path).catch((cause: unknown) => {
      throw new UsageError(`cannot read ${path}, named in the kubeconfig ${file}`, { cause });
    });
  }
}
