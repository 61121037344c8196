#!/usr/bin/env node
import { Command, InvalidArgumentError, Option } from 'commander';
import { createLog, run, stopSignal, UsageError } from '@ifactor/common';
import type { Level } from '@ifactor/common';
import { isPublicKey } from '@ifactor/common/signature';
import { natsFlagOptions, natsFlags } from '@ifactor/common/natsFlags';
import type { NatsFlags } from '@ifactor/common/natsFlags';
import { inboxPrefixOf } from '@ifactor/crds';
import manifest from '../package.json' with { type: 'json' };
import { keepCompiled } from './compileCache.ts';
import { checkHomeNetns } from './node/homeNetns.ts';
import { systemRuntime } from './runtime.ts';

type Flags = NatsFlags & {
  node: string;
  nats: string;
  natsCreds?: string;
  stateDir: string;
  netns?: string;
  docker?: string;
  podman?: string;
  containerAlias: Map<string, string>;
  allowHostNetns: boolean;
  maxLinks: number;
  keepKeys: number;
  trust?: string;
  logLevel: Level;
};

function nodeName(value: string): string {
  if (/^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$/.test(value)) return value;
  throw new InvalidArgumentError('A node name has lower-case letters, digits, "-" and ".", as spec.node.');
}

function positive(value: string): number {
  if (/^[1-9][0-9]{0,8}$/.test(value)) return Number(value);
  throw new InvalidArgumentError('Give a number from 1.');
}

function alias(value: string, known: Map<string, string>): Map<string, string> {
  const [, name, target] = /^([^=]+)=((?:docker|podman|netns):.+)$/.exec(value) ?? [];
  if (name === undefined || target === undefined) {
    throw new InvalidArgumentError('Give NAME=docker:NAME, NAME=podman:NAME or NAME=netns:PATH.');
  }
  return known.set(name, target);
}

function bridgeKey(value: string): string {
  if (isPublicKey(value)) return value;
  throw new InvalidArgumentError("Give the bridge's key as its log shows it: ed25519:…");
}

function days(value: string): number {
  const number = Number(value);
  if (value.trim() !== '' && number >= 0 && number <= 36_500) return number;
  throw new InvalidArgumentError('Give a number of days, 0 or more.');
}

const program = new Command('ifactor-agent')
  .description(
    "Keeps this machine's network interfaces as declared in Kubernetes: reads the desired state from NATS, configures the kernel over netlink, repairs drift.",
  )
  .version(manifest.version)
  .requiredOption('--node <name>', 'name of this node, as spec.node of its interfaces', nodeName)
  .addOption(
    new Option('--nats <url>', 'NATS server (tls:// for TLS); several separated by commas')
      .env('NATS_URL')
      .default('nats://127.0.0.1:4222'),
  )
  .option('--nats-creds <file>', 'NATS credentials file (else NATS_CREDS, NATS_USER with NATS_PASSWORD, or NATS_TOKEN)')
  .option('--state-dir <folder>', 'journal, keys and WireGuard sockets; one agent at a time', '/var/lib/ifactor')
  .option('--netns <path>', "home network namespace, where links are created (default: the agent's own)")
  .option('--docker <socket>', 'Docker Engine socket (default: DOCKER_HOST, else /var/run/docker.sock)')
  .option('--podman <socket>', 'Podman socket (default: /run/podman/podman.sock)')
  .addOption(
    new Option(
      '--container-alias <alias>',
      'alias of a container name: NAME=docker:NAME, NAME=podman:NAME or NAME=netns:PATH; repeatable',
    )
      .argParser(alias)
      .default(new Map<string, string>(), 'none'),
  )
  .option(
    '--allow-host-netns',
    'let container selectors lead to the network namespace of the machine or of the agent where that is not the home one',
    false,
  )
  .addOption(
    new Option('--max-links <count>', 'links that a network namespace may have; one with more is refused')
      .argParser(positive)
      .default(20_000),
  )
  .option('--keep-keys <days>', 'keep a generated key for an object of the same name after deletion', days, 30)
  .addOption(
    new Option(
      '--trust <key>',
      "the bridge's public key, where the state folder has none yet (default: that of the first signed message)",
    ).argParser(bridgeKey),
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
  ifactor-agent --node lax1 --nats tls://10.0.0.5:4222 --nats-ca ca.pem --nats-creds lax1.creds
  ifactor-agent --node lax1 --state-dir /tmp/lax1 --netns /run/netns/lax1
  ifactor-agent trust ed25519:KEY    obey the bridge with this key from now on; see ifactor-agent trust --help`,
  );

for (const flag of natsFlags) program.option(...flag);

await run('ifactor-agent', async () => {
  const trusting = process.argv[2] === 'trust';
  const command = trusting ? (await import('./node/trust/command.ts')).trustCommand() : program;
  command.exitOverride();
  try {
    if (trusting) command.parse(process.argv.slice(3), { from: 'user' });
    else command.parse();
  } catch (error) {
    const { code, exitCode } = error as { code?: string; exitCode?: number };
    if (code?.startsWith('commander.')) process.exit(exitCode === 0 ? 0 : 2);
    throw error;
  }
  if (trusting) return;
  const flags = program.opts<Flags>();
  if (process.getuid?.() !== 0)
    throw new UsageError('run as root: network interfaces need CAP_NET_ADMIN and CAP_SYS_ADMIN');
  if (flags.netns !== undefined) checkHomeNetns(flags.netns);
  // In a package only: a clone has hundreds of modules, and they change.
  if (import.meta.filename.endsWith('.js')) keepCompiled(flags.stateDir, manifest.version);
  // Native code: what comes before works, and says what is wrong, where that cannot be loaded.
  const { serve } = await import('./node/serve.ts');
  const log = createLog(`agent/${flags.node}`, flags.logLevel);
  const stop = new AbortController();
  void stopSignal().then((signal) => stop.abort(new Error(signal)));
  await serve(
    {
      node: flags.node,
      nats: {
        servers: flags.nats,
        name: `ifactor-agent ${flags.node}`,
        inboxPrefix: inboxPrefixOf({ role: 'node', node: flags.node }),
        ...(flags.natsCreds ? { creds: flags.natsCreds } : {}),
        ...natsFlagOptions(flags),
      },
      stateDir: flags.stateDir,
      maxLinks: flags.maxLinks,
      places: {
        aliases: flags.containerAlias,
        allowHostNetns: flags.allowHostNetns,
        ...(flags.netns ? { home: flags.netns } : {}),
        ...(flags.docker ? { docker: flags.docker } : {}),
        ...(flags.podman ? { podman: flags.podman } : {}),
      },
      version: manifest.version,
      keepKeysDays: flags.keepKeys,
      ...(flags.trust === undefined ? {} : { trustKey: flags.trust }),
    },
    systemRuntime(log),
    stop.signal,
  );
  process.exit(0);
});
