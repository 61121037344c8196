import { UsageError } from '@ifactor/common';
import { ensureStreams, namesOf, streams } from '@ifactor/common/nats';
import { heartbeatSeconds, statusFilter, SubjectError } from '@ifactor/crds';
import { jetstreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { Command } from 'commander';
import { reaching } from '../log/source.ts';
import type { ReachFlags } from '../log/source.ts';
import { connectBy } from '../log/stream.ts';
import { withCluster, ofCluster } from './cluster.ts';
import type { ClusterFlags } from './cluster.ts';

export function nodeCommand(): Command {
  return new Command('node').addCommand(forgetCommand()).addCommand(rekeyCommand());
}

function rekeyCommand(): Command {
  return ofCluster(new Command('rekey'))
    .description(
      'Accept the next seal key that a node shows, such as after it lost its state folder: its secrets are sealed to that.',
    )
    .argument('<name>', "the node's name, as in spec.node")
    .addHelpText(
      'after',
      '\nUntil then secrets stay sealed to the key that was accepted first (Ready: SealKeyChanged).\n\nExamples:\n  ifactor node rekey lax3 --lease-namespace ifactor\n',
    )
    .action(async (name: string, flags: ClusterFlags) => {
      const { forgetSealKey } = await import('@ifactor/bridge/kube');
      const found = await withCluster(flags, (api) => forgetSealKey(api, flags.leaseNamespace, name));
      if (!found) throw new UsageError(`no seal key of node ${name} is known in namespace ${flags.leaseNamespace}`);
      console.log(`the bridge accepts the next seal key of node ${name}`);
    });
}

function forgetCommand(): Command {
  return reaching(new Command('forget'))
    .description('Forget a node that is gone for good, so that its objects stuck in Terminating are removed.')
    .argument('<name>', "the node's name, as in spec.node")
    .addHelpText(
      'after',
      '\nA node that comes back registers again, and its agent removes what was deleted in the meantime. Its seal key stays accepted: ifactor node rekey NAME.\n\nExamples:\n  ifactor node forget lax3\n',
    )
    .action(async (name: string, flags: ReachFlags) => {
      const connection = await connectBy(flags);
      try {
        const purged = await forgetNode(connection, name);
        console.log(`forgot node ${name} and the statuses of its ${purged} interfaces`);
      } finally {
        await connection.close();
      }
    });
}

/**
 * Deletes a node and its statuses from NATS, so that the bridge treats it as if it had never existed.
 * @returns how many statuses were purged
 * @throws UsageError if the node is not known or its agent is running
 */
export async function forgetNode(connection: NatsConnection, name: string): Promise<number> {
  let filter: string;
  try {
    filter = statusFilter(name);
  } catch (cause) {
    if (cause instanceof SubjectError) throw new UsageError(cause.message, { cause });
    throw cause;
  }
  const names = namesOf(connection);
  const status = names.stream(streams.status);
  const kv = await ensureStreams(connection);
  const known = await new Kvm(connection).open(names.knownNodesBucket);
  const [entry, record] = [await kv.get(name), await known.get(name)];
  const manager = await jetstreamManager(connection);
  const { ts } = await manager.streams.info(status);
  const silentMs = entry === null ? Infinity : Date.parse(ts ?? '') - entry.created.getTime();
  if (entry?.operation === 'PUT' && silentMs < 3 * heartbeatSeconds * 1000)
    throw new UsageError(`node ${name} sent a heartbeat ${Math.round(silentMs / 1000)} s ago: stop its agent first`);
  const { purged } = await manager.streams.purge(status, { filter: names.subject(filter) });
  if (entry?.operation !== 'PUT' && record?.operation !== 'PUT' && purged === 0)
    throw new UsageError(`no node ${name} is known: see kubectl get netlinkinterfaces,wireguardinterfaces -A -o wide`);
  // In this order: a bridge records a node again while it has an entry.
  await kv.purge(name);
  await known.purge(name);
  return purged;
}
