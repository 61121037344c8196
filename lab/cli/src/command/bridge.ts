import { releaseHeld, rotateSigningKey } from '@ifactor/bridge/kube';
import { Command, InvalidArgumentError } from 'commander';
import { withCluster, ofCluster } from './cluster.ts';
import type { ClusterFlags } from './cluster.ts';

type ReleaseFlags = ClusterFlags & { count?: number };

export function bridgeCommand(): Command {
  return new Command('bridge').addCommand(releaseCommand()).addCommand(rotateCommand());
}

function rotateCommand(): Command {
  return ofCluster(new Command('rotate-key'))
    .description('Replace the key by which the bridge signs what is desired. Agents follow by themselves.')
    .addHelpText(
      'after',
      '\nThe old key announces the new one in each message. If the old key was stolen, run ifactor-agent trust on each node too.\n\nExamples:\n  ifactor bridge rotate-key --lease-namespace ifactor\n',
    )
    .action(async (flags: ClusterFlags) => {
      const { from, to } = await withCluster(flags, (api) => rotateSigningKey(api, flags.leaseNamespace));
      console.log(`the bridge signs with ${to} from now on, not with ${from}`);
    });
}

function releaseCommand(): Command {
  return ofCluster(new Command('release'))
    .description('Accept the tombstones that the bridge holds back: their interfaces are removed from the nodes.')
    .option(
      '--count <number>',
      'accept them only where no more than this many wait (default: those that wait now)',
      number,
    )
    .addHelpText(
      'after',
      '\nExamples:\n  ifactor bridge release\n  ifactor bridge release --kubeconfig admin.yaml --lease-namespace ifactor --count 37\n',
    )
    .action(async (flags: ReleaseFlags) => {
      const lease = { namespace: flags.leaseNamespace, name: 'ifactor-bridge' };
      const accepted = await withCluster(flags, (api) => releaseHeld(api, lease, flags.count));
      console.log(accepted === 0 ? 'no tombstones are held back' : `accepted ${accepted} tombstones`);
    });
}

function number(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('give a number of tombstones');
  return value;
}
