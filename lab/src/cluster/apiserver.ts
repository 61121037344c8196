import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { crdPath, ownProgram } from '#files';
import { LabError } from './error.ts';
import { httpsAnswers } from '../host/https.ts';
import type { LabCluster, Manifest } from './manifest.ts';
import { LeasesUnreadable } from './otherBridge.ts';
import type { BridgeLease } from './otherBridge.ts';
import { pathsOf } from './paths.ts';
import type { Program } from '../process/program.ts';
import { capture, must, onPath } from '../host/shell.ts';

type Assets = Extract<LabCluster, { kind: 'assets' }>;

/** The processes that serve the Kubernetes API, in the order in which they start. */
export function clusterPrograms({ dir, cluster }: Manifest): Program[] {
  const paths = pathsOf(dir);
  switch (cluster.kind) {
    case 'kubeconfig':
      return [];
    case 'embedded': {
      const args = ['--dir', paths.apiserver, '--port', String(cluster.port), '--kubeconfig', paths.kubeconfig];
      return [{ part: 'apiserver', command: process.execPath, args: [ownProgram('apiserver'), ...args] }];
    }
    case 'assets':
      return assetsPrograms(paths.apiserver, paths.kubeconfig, cluster);
  }
}

/** Writes what the processes read at their start. */
export function prepareCluster({ dir, cluster }: Manifest): void {
  const { apiserver } = pathsOf(dir);
  mkdirSync(apiserver, { recursive: true, mode: 0o700 });
  if (cluster.kind !== 'assets') return;
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  writeFileSync(join(apiserver, 'service-account.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }), {
    mode: 0o600,
  });
  writeFileSync(join(apiserver, 'tokens.csv'), `${cluster.token},admin,admin,"system:masters"\n`, { mode: 0o600 });
}

/** Installs our CRDs in a real API server; the embedded one has them built in. @throws LabError with kubectl's message */
export async function installKinds(kubeconfig: string): Promise<void> {
  if (!onPath(kubectl()))
    throw new LabError(`${kubectl()} is missing, which would install the CRDs: install it, or name it in KUBECTL`);
  const files = ['wireguardnetworkplans', 'wireguardinterfaces', 'netlinkinterfaces'].flatMap((name) => [
    '--filename',
    crdPath(`manifests/${name}.yaml`),
  ]);
  await must(kubectl(), ['--kubeconfig', kubeconfig, 'apply', '--server-side', '--force-conflicts', ...files]);
  await must(kubectl(), ['--kubeconfig', kubeconfig, 'wait', '--for=condition=Established', '--timeout=30s', ...files]);
}

/** The kubectl to run: KUBECTL beats PATH. */
export function kubectl(): string {
  return process.env['KUBECTL'] || 'kubectl';
}

/** Whether an API server responds there. */
export async function reachable(kubeconfig: string): Promise<boolean> {
  return (
    (await capture(kubectl(), ['--kubeconfig', kubeconfig, '--request-timeout=5s', 'get', '--raw', '/version']))
      .code === 0
  );
}

/** Every Lease of the cluster. @throws LeasesUnreadable where they may not be read */
export async function leasesOf(kubeconfig: string): Promise<BridgeLease[]> {
  const { code, stdout, stderr } = await capture(kubectl(), [
    '--kubeconfig',
    kubeconfig,
    'get',
    '--all-namespaces',
    '--output=json',
    'leases.coordination.k8s.io',
  ]);
  if (code !== 0) throw new LeasesUnreadable(kubeconfig, stderr.trim().split('\n').at(-1) ?? `exit code ${code}`);
  return (JSON.parse(stdout) as { items: BridgeLease[] }).items;
}

function assetsPrograms(
  folder: string,
  kubeconfig: string,
  { folder: assets, port, clientPort, peerPort, token }: Assets,
): Program[] {
  const at = (name: string) => join(folder, name);
  const [client, peer] = [`http://127.0.0.1:${clientPort}`, `http://127.0.0.1:${peerPort}`];
  const url = `https://127.0.0.1:${port}`;
  const certificate = at('cert/apiserver.crt');
  const etcd: Program = {
    part: 'etcd',
    command: join(assets, 'etcd'),
    args: [
      '--name=ifactor',
      `--data-dir=${at('etcd')}`,
      '--logger=zap',
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=ifactor=${peer}`,
    ],
    ready: /ready to serve client requests|serving client traffic/,
  };
  const apiserver: Program = {
    part: 'apiserver',
    command: join(assets, 'kube-apiserver'),
    args: [
      `--etcd-servers=${client}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${port}`,
      `--cert-dir=${at('cert')}`,
      '--service-account-issuer=https://ifactor.invalid',
      `--service-account-key-file=${at('service-account.key')}`,
      `--service-account-signing-key-file=${at('service-account.key')}`,
      `--token-auth-file=${at('tokens.csv')}`,
      '--authorization-mode=RBAC',
      '--disable-admission-plugins=ServiceAccount',
      '--service-cluster-ip-range=10.0.0.0/24',
      '--endpoint-reconciler-type=none',
    ],
    ready: async () => {
      if (
        !(await httpsAnswers(`${url}/readyz`, certificate, token)) ||
        !(await httpsAnswers(`${url}/api/v1/namespaces/default`, certificate, token))
      )
        return false;
      // It makes its certificate when it starts first.
      writeFileSync(kubeconfig, config(url, token, readFileSync(certificate)), { mode: 0o600 });
      return true;
    },
  };
  const controllers = join(assets, 'kube-controller-manager');
  if (!existsSync(controllers)) return [etcd, apiserver];
  const args = [
    `--kubeconfig=${kubeconfig}`,
    '--controllers=garbage-collector-controller,namespace-controller',
    '--leader-elect=false',
    '--bind-address=127.0.0.1',
    '--secure-port=0',
  ];
  return [etcd, apiserver, { part: 'controllers', command: controllers, args, ready: /./ }];
}

function config(server: string, token: string, authority: Buffer): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'ifactor',
    clusters: [{ name: 'ifactor', cluster: { server, 'certificate-authority-data': authority.toString('base64') } }],
    users: [{ name: 'ifactor', user: { token } }],
    contexts: [{ name: 'ifactor', context: { cluster: 'ifactor', user: 'ifactor' } }],
  });
}
