import { sleep, systemClock, UsageError } from '@ifactor/common';
import { checkedPrefix, namesFor, raiseStreams, streamsAreCurrent } from '@ifactor/common/nats';
import type { RaisedStream } from '@ifactor/common/nats';
import { inboxPrefixOf, permissionsOf, spellPermissions, SubjectError } from '@ifactor/crds';
import type { Permissions, Role } from '@ifactor/crds';
import { Command, InvalidArgumentError, Option } from 'commander';
import { reaching } from '../log/source.ts';
import type { ReachFlags } from '../log/source.ts';
import { connectBy } from '../log/stream.ts';

type RaiseFlags = ReachFlags & { replicas?: number; timeout: number };

export function natsCommand(): Command {
  return new Command('nats').addCommand(permissionsCommand()).addCommand(raiseCommand());
}

type PermissionFlags = { format: 'config' | 'jwt'; prefix?: string };

const roles = ['bridge', 'node', 'page', 'operator'] as const;

function permissionsCommand(): Command {
  return new Command('permissions')
    .description(
      'Print what a role may do in NATS, which is all it needs: for a user in nats-server.conf, or in a JWT.',
    )
    .argument('<role>', roles.join(', '))
    .argument('[name]', "the node's name, as in spec.node")
    .addOption(
      new Option('--format <format>', 'config: for nats-server.conf; jwt: JSON as in a user JWT')
        .choices(['config', 'jwt'])
        .default('config'),
    )
    .option('--prefix <name>', 'prefix of all names in NATS, as given to bridge and agents (env: IFACTOR_PREFIX)')
    .addHelpText(
      'after',
      '\nExamples:\n  ifactor nats permissions bridge\n  ifactor nats permissions node lax1 --format jwt\n\nA page is a user for `ifactor ui`, events, replay and trace; an operator may also ask agents, and look after the streams.\n',
    )
    .action((role: string, node: string | undefined, { format, prefix }: PermissionFlags) => {
      const names = namesFor(checkedPrefix(prefix ?? (process.env['IFACTOR_PREFIX'] || undefined)));
      const permissions = permissionsOf(roleOf(role, node), names);
      console.log(format === 'jwt' ? jwtPermissions(permissions) : `permissions: ${spellPermissions(permissions)}`);
    });
}

/** @throws UsageError */
function roleOf(text: string, node: string | undefined): Role {
  const role = roles.find((one) => one === text);
  if (role === undefined) throw new UsageError(`no role ${text}: choose one of ${roles.join(', ')}`);
  if (role !== 'node') {
    if (node !== undefined) throw new UsageError(`only a node has a name: leave out ${node}`);
    return { role };
  }
  if (node === undefined) throw new UsageError('name the node: ifactor nats permissions node NAME');
  try {
    inboxPrefixOf({ role, node });
  } catch (cause) {
    if (cause instanceof SubjectError) throw new UsageError(cause.message, { cause });
    throw cause;
  }
  return { role, node };
}

/** As the `nats` claim of a user JWT spells them. */
function jwtPermissions({ publish, subscribe, responses }: Permissions): string {
  const minute = 60 * 1e9;
  const answers = responses ? { resp: { max: 1, ttl: 2 * minute } } : {};
  return JSON.stringify({ pub: { allow: publish }, sub: { allow: subscribe }, ...answers }, null, 2);
}

function raiseCommand(): Command {
  return reaching(new Command('raise'))
    .description(
      'Give the streams of an older installation their sizes, and three copies where the servers can hold them.',
    )
    .option(
      '--replicas <count>',
      'copies of each stream: 1, 3 or 5 (default: 3 where the servers can hold them)',
      replicas,
    )
    .option('--timeout <seconds>', 'how long to wait until all copies are complete', seconds, 300)
    .addHelpText(
      'after',
      '\nExamples:\n  ifactor nats raise --nats nats://nats-0:4222,nats://nats-1:4222,nats://nats-2:4222\n\nBounds that were set by hand are kept. Nothing stops meanwhile.\n',
    )
    .action(async (flags: RaiseFlags) => {
      const connection = await connectBy(flags);
      try {
        const raised = await raiseStreams(connection, flags.replicas === undefined ? {} : { replicas: flags.replicas });
        for (const stream of raised) console.log(raisedLine(stream));
        const end = systemClock.monotonic() + flags.timeout * 1000;
        while (!(await streamsAreCurrent(connection))) {
          if (systemClock.monotonic() > end)
            throw new Error(
              `copies are not complete after ${flags.timeout} s; copying continues: run the command again to wait`,
            );
          await sleep(systemClock, 500, AbortSignal.timeout(500));
        }
        console.log('all copies are complete');
      } finally {
        await connection.close();
      }
    });
}

/** A stream before and after, in one line. */
export function raisedLine({ name, replicas: [before, after], maxBytes }: RaisedStream): string {
  const copies = before === after ? `${after}` : `${before} -> ${after}`;
  return `${name.padEnd(16)} replicas ${copies}, at most ${Math.round(maxBytes / (1 << 20))} MiB`;
}

function replicas(text: string): number {
  if (!['1', '3', '5'].includes(text))
    throw new InvalidArgumentError('give 1, 3 or 5: an even number of copies stops as soon as half of them are lost');
  return Number(text);
}

function seconds(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('give a whole number of seconds');
  return Number(text);
}
