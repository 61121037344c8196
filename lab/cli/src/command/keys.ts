import { UsageError } from '@ifactor/common';
import { Command } from 'commander';
import type { NatsConnection } from '@nats-io/transport-node';
import { parseObject } from '../log/selector.ts';
import { reaching } from '../log/source.ts';
import type { ReachFlags } from '../log/source.ts';
import { askAgent, nodesToAsk } from './agents.ts';

type Flags = ReachFlags & { namespace: string; node?: string; all?: boolean };

export function keysCommand(): Command {
  return new Command('keys').addCommand(purgeCommand());
}

function purgeCommand(): Command {
  return reaching(new Command('purge'))
    .description(
      'Destroy the private key that a node made for an interface and keeps after its deletion, so that the next object of that name gets a new one.',
    )
    .argument('[object]', 'KIND/NAME or KIND/NAMESPACE/NAME, of an object that is gone')
    .option('--all', 'every key of an object that is gone')
    .option('-n, --namespace <name>', 'namespace for KIND/NAME', 'default')
    .option('--node <name>', 'only on this node (default: on every node)')
    .addHelpText('after', '\nExamples:\n  ifactor keys purge wgi/wg1\n  ifactor keys purge --all --node lax1\n')
    .action(async (object: string | undefined, flags: Flags) => {
      if ((object === undefined) !== (flags.all === true)) throw new UsageError('name one object, or give --all');
      const { connectBy } = await import('../log/stream.ts');
      const key = object === undefined ? null : parseObject(object, flags.namespace);
      const asked = key === null ? '' : `${key.kind}/${key.namespace}/${key.name}`;
      const connection = await connectBy(flags);
      try {
        let count = 0;
        for (const node of await nodesToAsk(connection, flags.node)) {
          const purged = await purge(connection, node, asked);
          if (purged === null) {
            console.error(`the agent of node ${node} does not answer; its keys stay`);
            process.exitCode = 1;
            continue;
          }
          for (const name of purged) console.log(`${node}: destroyed the key of ${name}`);
          count += purged.length;
        }
        if (count === 0) console.error(`no key of ${object ?? 'an object that is gone'} is kept`);
      } finally {
        await connection.close();
      }
    });
}

/** Names of the keys that an agent destroyed; null if no agent responds. @throws Error with the agent's message */
async function purge(connection: NatsConnection, node: string, asked: string): Promise<string[] | null> {
  const answer = await askAgent<{ purged?: string[]; error?: string }>(connection, node, 'purge-keys', asked);
  if (answer === null) return null;
  if (answer.purged === undefined) throw new Error(`node ${node}: ${answer.error ?? 'the answer is empty'}`);
  return answer.purged;
}
