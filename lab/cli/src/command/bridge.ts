import { createClient, createKubeApi, readKubeconfig, releaseHeld } from '@ifactor/bridge/kube';
import { UsageError } from '@ifactor/common';
import { environmentOf, labDir, readManifest } from '@ifactor/lab';
import { Command, InvalidArgumentError } from 'commander';

type ReleaseFlags = { kubeconfig?: string; leaseNamespace: string; count?: number; dir?: string };

export function bridgeCommand(): Command {
  return new Command('bridge').addCommand(releaseCommand());
}

function releaseCommand(): Command {
  return new Command('release')
    .description('Accept the tombstones that the bridge holds back: their interfaces are removed from the nodes.')
    .option('--kubeconfig <file>', 'the cluster (default: $KUBECONFIG, else the lab of this folder)')
    .option('--lease-namespace <name>', 'namespace of the Lease ifactor-bridge', 'default')
    .option(
      '--count <number>',
      'accept them only where no more than this many wait (default: those that wait now)',
      number,
    )
    .option('--dir <folder>', "the lab's folder (default: .lab)")
    .addHelpText(
      'after',
      '\nExamples:\n  ifactor bridge release\n  ifactor bridge release --kubeconfig admin.yaml --lease-namespace ifactor --count 37\n',
    )
    .action(async (flags: ReleaseFlags) => {
      const client = createClient(await readKubeconfig(kubeconfigOf(flags)));
      try {
        const lease = { namespace: flags.leaseNamespace, name: 'ifactor-bridge' };
        const accepted = await releaseHeld(createKubeApi(client), lease, flags.count);
        console.log(accepted === 0 ? 'no tombstones are held back' : `accepted ${accepted} tombstones`);
      } finally {
        client.close();
      }
    });
}

function number(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('give a number of tombstones');
  return value;
}

/** @throws UsageError */
function kubeconfigOf({ kubeconfig, dir }: ReleaseFlags): string {
  const given = kubeconfig ?? process.env['KUBECONFIG'];
  if (given) return given.split(':')[0] ?? given;
  const lab = readManifest(labDir(dir));
  const found = lab && environmentOf(lab)['KUBECONFIG'];
  if (found === undefined)
    throw new UsageError('no cluster is known: give --kubeconfig, set KUBECONFIG, or run this where a lab is up');
  return found;
}
