#!/usr/bin/env node
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { createLog, run, stopSignal, UsageError } from '@ifactor/common';
import type { Level } from '@ifactor/common';
import { natsFlagOptions, natsFlags } from '@ifactor/common/natsFlags';
import type { NatsFlags } from '@ifactor/common/natsFlags';
import type { Access } from './kube/kubeconfig.ts';

type Flags = NatsFlags & {
  kubeconfig?: string;
  nats: string;
  natsCreds?: string;
  identity?: string;
  leaseNamespace?: string;
  tombstoneSeconds?: number;
  leaseSeconds?: number;
  natsReplicas?: number;
  takeOver?: true;
  logLevel: Level;
};

const program = new Command('ifactor-bridge')
  .description(
    'Publishes interfaces declared in Kubernetes to NATS, and writes what their agents report to status and Events.',
  )
  .version(manifest.version)
  .addOption(
    new Option('--kubeconfig <file>', "how to reach the API server; default: the pod's service account").env(
      'KUBECONFIG',
    ),
  )
  .addOption(
    new Option('--nats <url>', 'NATS server (tls:// for TLS), several separated by commas')
      .env('NATS_URL')
      .default('nats://127.0.0.1:4222'),
  )
  .addOption(new Option('--nats-creds <file>', 'NATS credentials file').env('NATS_CREDS'))
  .option(
    '--identity <name>',
    'name of this bridge in the Lease; must differ between bridges (default: host name and a random part)',
  )
  .option('--lease-namespace <namespace>', "namespace of the Lease ifactor-bridge (default: the pod's, else default)")
  .addOption(
    new Option(
      '--tombstone-seconds <seconds>',
      'how long deletion markers stay in the stream, in seconds (default: 600)',
    ).argParser(seconds),
  )
  .option('--take-over', 'use streams that belong to another cluster or Lease, which this one replaces')
  .addOption(
    new Option(
      '--lease-seconds <seconds>',
      'how long the leader may be silent before another bridge leads, in seconds (default: 10)',
    ).argParser(wholeSeconds),
  )
  .addOption(
    new Option(
      '--nats-replicas <count>',
      'copies of each NATS stream: 1, 3 or 5 (default: 3 where the servers can hold them, else 1)',
    )
      .env('NATS_REPLICAS')
      .argParser(replicaCount),
  )
  .addOption(
    new Option('--log-level <level>', 'lowest level to log')
      .choices(['debug', 'info', 'warn', 'error'])
      .default('info'),
  )
  .addHelpText(
    'after',
    `
Examples:
  ifactor-bridge --kubeconfig ~/.kube/config --nats nats://127.0.0.1:4222
  KUBECONFIG=admin.yaml NATS_URL=tls://nats:4222 ifactor-bridge --nats-ca ca.pem --nats-creds bridge.creds

Several bridges may run: one leads, the others stand by. What it may do in the cluster: bridge/rbac.yaml.
`,
  )
  .exitOverride()
  .configureOutput({ writeErr: () => {} })
  .showSuggestionAfterError();

for (const flag of natsFlags) program.option(...flag);

async function main(): Promise<void> {
  const flags = readFlags();
  // Imported late, so that --help and usage errors do not load the Kubernetes client.
  const [{ connect }, { startBridge }, { createClient }, { createKubeApi }, { inboxPrefixOf }] = await Promise.all([
    import('@ifactor/common/nats'),
    import('./bridge.ts'),
    import('./kube/client.ts'),
    import('./kube/http.ts'),
    import('@ifactor/crds'),
  ]);
  const log = createLog('bridge', flags.logLevel);
  const access = await reach(flags.kubeconfig);
  const stop = new AbortController();
  void (async () => {
    log.info('stopping', { signal: await stopSignal() });
    stop.abort();
  })();
  const namespace = flags.leaseNamespace ?? (await podNamespace()) ?? 'default';
  const identity = flags.identity ?? `${hostname()}-${randomBytes(4).toString('hex')}`;
  const connection = await connect(
    {
      servers: flags.nats,
      name: `ifactor-bridge ${identity}`,
      inboxPrefix: inboxPrefixOf({ role: 'bridge' }),
      ...(flags.natsCreds !== undefined && { creds: flags.natsCreds }),
      ...natsFlagOptions(flags),
    },
    log,
    stop.signal,
  ).catch((error: unknown) => {
    if (stop.signal.aborted) return undefined;
    throw error;
  });
  if (connection === undefined) return;
  const client = createClient(access);
  const bridge = startBridge({
    api: createKubeApi(client),
    connection,
    settings: {
      identity,
      leaseNamespace: namespace,
      ...(flags.tombstoneSeconds !== undefined && { tombstoneSeconds: flags.tombstoneSeconds }),
      ...(flags.leaseSeconds !== undefined && { leaseSeconds: flags.leaseSeconds }),
      ...(flags.natsReplicas !== undefined && { natsReplicas: flags.natsReplicas }),
      ...(flags.takeOver && { takeOver: true }),
    },
    log,
    signal: stop.signal,
  });
  void bridge.ready.then((role) => log.info('ready', { role }));
  await bridge.stopped;
  await connection.close();
  client.close();
  log.info('stopped');
}

function seconds(text: string): number {
  const number = Number(text);
  if (text === '' || !(number > 0)) throw new InvalidArgumentError('give a number of seconds');
  return number;
}

function wholeSeconds(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('give a whole number of seconds');
  return Number(text);
}

function replicaCount(text: string): number {
  if (!['1', '3', '5'].includes(text))
    throw new InvalidArgumentError('give 1, 3 or 5: an even number of copies stops as soon as half of them are lost');
  return Number(text);
}

function readFlags(): Flags {
  try {
    return program.parse().opts<Flags>();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) process.exit(0);
    throw new UsageError(
      `${error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ')}; see ifactor-bridge --help`,
    );
  }
}

async function reach(kubeconfig: string | undefined): Promise<Access> {
  const { inCluster, readKubeconfig } = await import('./kube/kubeconfig.ts');
  // KUBECONFIG may be a list of files; the first one is used.
  if (kubeconfig) return readKubeconfig(kubeconfig.split(':')[0] ?? kubeconfig);
  const access = await inCluster();
  if (access === undefined)
    throw new UsageError('no API server: give --kubeconfig FILE or set KUBECONFIG; see ifactor-bridge --help');
  return access;
}

async function podNamespace(): Promise<string | undefined> {
  const text = await readFile('/var/run/secrets/kubernetes.io/serviceaccount/namespace', 'utf8').catch(() => undefined);
  return text?.trim();
}

await run('ifactor-bridge', main);
