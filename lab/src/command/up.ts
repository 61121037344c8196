import { Option, type Command } from 'commander';
import { explain, stopSignal, systemClock, UsageError } from '@ifactor/common';
import { down } from '../cluster/down.ts';
import { readManifest, type Manifest } from '../cluster/manifest.ts';
import { fromCaller, labDir, parseContainers, parseNodes, type UpOptions } from '../cluster/options.ts';
import { createProgress, type Progress } from '../process/progress.ts';
import { detach, logsOf, up } from '../cluster/up.ts';
import { watchParts } from '../cluster/watch.ts';
import type { Age } from '../vm/debian.ts';
import { hints } from './hints.ts';
import { collect, labCommand, type DirFlag } from './shared.ts';

export type UpFlags = DirFlag & {
  node?: string[];
  container?: string[];
  runtime: UpOptions['runtime'];
  vm?: boolean | Age;
  kubeconfig?: string;
  force?: boolean;
  detach?: boolean;
};

export function upCommand(): Command {
  return addUpOptions(
    labCommand('up', 'Start a lab: API server, NATS, bridge, and an agent for each node. Ctrl-C takes it down.', [
      'ifactor lab up',
      'ifactor lab up --detach && eval "$(ifactor lab env)"',
      'ifactor lab up --node fra1 --node sea1=198.51.100.7/24 --container web',
      'ifactor lab up --dir /tmp/other --runtime netns',
      'ifactor lab up --vm',
      'ifactor lab up --kubeconfig ~/.kube/config',
      'KUBEBUILDER_ASSETS=/usr/local/kubebuilder/bin ifactor lab up',
    ]),
  )
    .option('--detach', 'return when the lab is ready; `ifactor lab down` ends it')
    .allowExcessArguments()
    .action(async (_options, command: Command) => {
      // The default command gets the names of commands that do not exist.
      if (command.args[0] !== undefined) throw new UsageError(`no command ${command.args[0]}; see ifactor lab --help`);
      await runUp(command.optsWithGlobals<UpFlags>());
    });
}

export function addUpOptions(command: Command): Command {
  return command
    .option(
      '--node <name[=address/len]>',
      'a node and its underlay address; repeatable (default: lax1=192.0.2.1/24, lax2=192.0.2.2/24)',
      collect,
    )
    .option('--container <name>', 'a container; repeatable (default: agent1, agent2)', collect)
    .addOption(
      new Option('--runtime <which>', 'what containers are: of Docker, or named network namespaces')
        .choices(['docker', 'netns', 'auto'])
        .default('auto'),
    )
    .addOption(
      new Option(
        '--vm [kernel]',
        "nodes, containers and agents in a virtual machine with this kernel of Debian's, which has WireGuard and every kind of link (newest, unless given)",
      ).choices(['oldest', 'newest']),
    )
    .option('--kubeconfig <file>', 'use this cluster instead of the embedded API server')
    .option('--force', 'use it without looking whether a bridge serves it already');
}

export function upOptions(flags: UpFlags): UpOptions {
  return {
    dir: labDir(flags.dir),
    nodes: parseNodes(flags.node ?? ['lax1', 'lax2']),
    containers: parseContainers(flags.container ?? ['agent1', 'agent2']),
    runtime: flags.runtime,
    ...(flags.vm === undefined || flags.vm === false ? {} : { vm: flags.vm === true ? ('newest' as const) : flags.vm }),
    ...(flags.force && { force: true }),
    ...(flags.kubeconfig !== undefined && { kubeconfig: fromCaller(flags.kubeconfig) }),
  };
}

async function runUp(flags: UpFlags): Promise<void> {
  const options = upOptions(flags);
  const progress = createProgress();
  const stop = new AbortController();
  const stopped = onStop(stop);
  const started = systemClock.monotonic();
  const lab = await startOrClear(options, progress, stop.signal);
  if (!lab) {
    process.exitCode = 130;
    return;
  }
  if (flags.detach) detach(lab);
  progress.say(`The lab is up (${((systemClock.monotonic() - started) / 1000).toFixed(1)} s).`);
  progress.say(hints(lab, flags));
  if (flags.detach) {
    process.exit();
  }
  const watch = watchParts(lab, progress.say);
  await stopped;
  watch.stop();
  await down(options.dir, progress);
  process.exit();
}

/**
 * Starts a lab; what fails, or is broken off, is taken down again.
 * @returns undefined where it was broken off
 */
export async function startOrClear(
  options: UpOptions,
  progress: Progress,
  abort: AbortSignal,
): Promise<Manifest | undefined> {
  try {
    return await up(options, progress, abort);
  } catch (error) {
    if (!abort.aborted) progress.say(`the lab could not be started: ${explain(error).split(/[;:]/)[0] ?? ''}`);
    const mine = readManifest(options.dir)?.owner?.pid === process.pid;
    if (mine) {
      await down(options.dir, progress, { keepLogs: !abort.aborted });
      if (!abort.aborted) progress.say(`logs are kept in ${logsOf(options.dir)}`);
    }
    if (abort.aborted) return undefined;
    throw error;
  }
}

/** Aborts at the first signal that asks to stop. */
export async function onStop(controller: AbortController): Promise<void> {
  await stopSignal();
  controller.abort();
}
