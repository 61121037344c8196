import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeFailed } from './error.ts';
import { startService, type Service } from './process.ts';
import { findPrograms, type Programs } from './programs.ts';
import { freePort, ready } from './ready.ts';

/** A running kube-apiserver with its etcd. */
export interface Kube {
  /** Path of a kubeconfig whose user may do anything. */
  readonly kubeconfig: string;
  readonly url: string;
  readonly token: string;
  readonly caFile: string;
  /** False where KUBEBUILDER_ASSETS has no kube-controller-manager: owner references are then not followed. */
  readonly collectsGarbage: boolean;
  /** kube-apiserver itself, which can be killed, frozen, and started again on the same port and etcd. */
  readonly apiserver: { kill(): Promise<void>; start(): Promise<void>; freeze(): void; thaw(): void };
  /** Ends all processes in the right order and removes the folder. */
  stop(): Promise<void>;
}

export interface KubeOptions {
  /** Where to keep data and logs; default: a temporary folder. */
  dir?: string;
  /** Told about progress, a line at a time. */
  report?: (line: string) => void;
}

const PREFIX = 'ifactor-kube-';

/**
 * Starts a real Kubernetes API server on loopback with free ports: from KUBEBUILDER_ASSETS if set, else built from source.
 * @throws KubeUnavailable if this machine lacks a program, KubeFailed if one of them does not start.
 */
export async function startKube({ dir, report = () => {} }: KubeOptions = {}): Promise<Kube> {
  const programs = await findPrograms(report);
  await sweep();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await boot(programs, dir, report);
    } catch (error) {
      // Between choosing a free port and binding it, somebody else may have taken it.
      if (attempt === 3 || !(error instanceof KubeFailed) || !/address already in use/.test(error.message)) throw error;
    }
  }
}

async function boot(programs: Programs, wanted: string | undefined, report: (line: string) => void): Promise<Kube> {
  const dir = wanted ?? (await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`)));
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const started = Date.now();
  const running: Service[] = [];
  const stop = async () => {
    // Clients before what they depend on: an API server whose etcd is gone does not end in time.
    for (const service of running.splice(0).toReversed()) await service.stop();
    await rm(dir, { recursive: true, force: true });
  };
  const start = (program: string, flags: string[]): void => {
    running.push(startService(program, flags, dir));
  };
  try {
    const [clientPort, peerPort, port] = [await freePort(), await freePort(), await freePort()];
    const token = randomBytes(24).toString('hex');
    const url = `https://127.0.0.1:${port}`;
    const etcdUrl = `http://127.0.0.1:${clientPort}`;
    const peerUrl = `http://127.0.0.1:${peerPort}`;
    const caFile = join(dir, 'cert', 'apiserver.crt');
    const keyFile = join(dir, 'service-account.key');
    const tokenFile = join(dir, 'tokens.csv');
    const kubeconfig = join(dir, 'kubeconfig');
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    await writeFile(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    await writeFile(tokenFile, `${token},admin,admin,"system:masters"\n`, { mode: 0o600 });

    start(programs.etcd, [
      '--name=ifactor',
      `--data-dir=${join(dir, 'etcd')}`,
      '--log-level=warn',
      '--logger=zap',
      `--listen-client-urls=${etcdUrl}`,
      `--advertise-client-urls=${etcdUrl}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=ifactor=${peerUrl}`,
    ]);
    const apiserverFlags = [
      `--etcd-servers=${etcdUrl}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${port}`,
      `--cert-dir=${join(dir, 'cert')}`,
      '--service-account-issuer=https://ifactor.invalid',
      `--service-account-key-file=${keyFile}`,
      `--service-account-signing-key-file=${keyFile}`,
      `--token-auth-file=${tokenFile}`,
      '--authorization-mode=RBAC',
      '--disable-admission-plugins=ServiceAccount',
      '--service-cluster-ip-range=10.0.0.0/24',
      '--endpoint-reconciler-type=none',
    ];
    start(programs.apiserver, apiserverFlags);
    const at = running.length - 1;
    await ready(url, token, caFile, running, (line) => report(`${line} (${Date.now() - started} ms)`));
    await writeFile(kubeconfig, config(url, token, await readFile(caFile)), { mode: 0o600 });
    if (programs.controllers !== undefined) {
      start(programs.controllers, [
        `--kubeconfig=${kubeconfig}`,
        '--controllers=garbage-collector-controller,namespace-controller',
        '--leader-elect=false',
        '--bind-address=127.0.0.1',
        '--secure-port=0',
      ]);
    }
    report(`kube-apiserver is ready at ${url} (${Date.now() - started} ms)`);
    const apiserver = {
      kill: async (): Promise<void> => running[at]?.stop(0),
      async start(): Promise<void> {
        running[at] = startService(programs.apiserver, apiserverFlags, dir);
      },
      freeze: (): void => running[at]?.freeze(),
      thaw: (): void => running[at]?.thaw(),
    };
    return { kubeconfig, url, token, caFile, collectsGarbage: programs.controllers !== undefined, apiserver, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function config(server: string, token: string, ca: Buffer): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'ifactor',
    clusters: [{ name: 'ifactor', cluster: { server, 'certificate-authority-data': ca.toString('base64') } }],
    users: [{ name: 'ifactor', user: { token } }],
    contexts: [{ name: 'ifactor', context: { cluster: 'ifactor', user: 'ifactor' } }],
  });
}

/** Removes the folders of test runs that were killed before they could. */
async function sweep(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = name.startsWith(PREFIX) ? name.slice(PREFIX.length).split('-')[0] : undefined;
    if (pid && !existsSync(`/proc/${pid}`)) await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}
