import { createClient, createKubeApi, readKubeconfig, releaseHeld, rotateSigningKey } from '@ifactor/bridge/kube';
import type { KubeApi } from '@ifactor/bridge/kube';
import { UsageError } from '@ifactor/common';
import { environmentOf, labDir, readManifest } from '@ifactor/lab';
import { Command, InvalidArgumentError } from 'commander';

type ClusterFlags = { kubeconfig?: string; leaseNamespace: string; dir?: string };
type ReleaseFlags = ClusterFlags & { count?: number };

export function bridgeCommand(): Command {
  return new Command('bridge').addCommand(releaseCommand()).addCommand(rotateCommand());
}

/** Adds the options that say which cluster, and which of its bridges. */
const ofCluster = (command: Command): Command =>
  command
    .option('--kubeconfig <file>', 'the cluster (default: $KUBECONFIG, else the lab of this folder)')
    .option('--lease-namespace <name>', 'namespace of the Lease ifactor-bridge', 'default')
    .option('--dir <folder>', "the lab's folder (default: .lab)");

async function inCluster<T>(flags: ClusterFlags, work: (api: KubeApi) => Promise<T>): Promise<T> {
  const client = createClient(await readKubeconfig(kubeconfigOf(flags)));
  try {
    return await work(createKubeApi(client));
  } finally {
    client.close();
  }
}

function rotateCommand(): Command {
  return ofCluster(new Command('rotate-key'))
    .description('Replace the key by which the bridge signs what is desired. Agents follow by themselves.')
    .addHelpText(
      'after',
      '\nThe old key announces the new one in each message. If the old key was stolen, run ifactor-agent trust on each node too.\n\nExamples:\n  ifactor bridge rotate-key --lease-namespace ifactor\n',
    )
    .action(async (flags: ClusterFlags) => {
      const { from, to } = await inCluster(flags, (api) => rotateSigningKey(api, flags.leaseNamespace));
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
      const accepted = await inCluster(flags, (api) => releaseHeld(api, lease, flags.count));
      console.log(accepted === 0 ? 'no tombstones are held back' : `accepted ${accepted} tombstones`);
    });
}

function number(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('give a number of tombstones');
  return value;
}

/** @throws UsageError */
function kubeconfigOf({ kubeconfig, dir }: ClusterFlags): string {
  const given = kubeconfig ?? process.env['KUBECONFIG'];
  if (given) return given.split(':')[0] ?? given;
  const lab = readManifest(labDir(dir));
  const found = lab && environmentOf(lab)['KUBECONFIG'];
  if (found === undefined)
    throw new UsageError('no cluster is known: give --kubeconfig, set KUBECONFIG, or run this where a lab is up');
  return found;
}
