import type { Command } from 'commander';
import { demo } from '../demo/demo.ts';
import { down } from '../cluster/down.ts';
import { readManifest } from '../cluster/manifest.ts';
import { createProgress } from '../process/progress.ts';
import { statusOf } from '../cluster/status.ts';
import { labCommand } from './shared.ts';
import { addUpOptions, onStop, startOrClear, upOptions, type UpFlags } from './up.ts';

export function demoCommand(): Command {
  return addUpOptions(
    labCommand(
      'demo',
      'Perform the walkthrough with kubectl, in the running lab or one of its own that is taken down afterwards.',
      [
        'ifactor lab demo',
        'ifactor lab demo --runtime netns',
        'KUBECTL=kubectl.1.31 ifactor lab demo --dir /tmp/demo',
        '',
        'Exit code 0 only if every step succeeded. A step that this kernel does not support is reported as such.',
      ],
    ),
  ).action(async (_options, command: Command) => runDemo(upOptions(command.optsWithGlobals<UpFlags>())));
}

async function runDemo(options: ReturnType<typeof upOptions>): Promise<void> {
  const progress = createProgress();
  const stop = new AbortController();
  void onStop(stop);
  const found = readManifest(options.dir);
  const runs = found?.phase === 'ready' && (await statusOf(found)).every(({ up }) => up);
  if (runs) progress.say(`using the lab that runs in ${options.dir}`);
  const lab = runs ? found : await startOrClear(options, progress, stop.signal);
  try {
    if (lab) await demo(lab, stop.signal);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    if (lab && !runs) await down(options.dir, progress);
  }
  process.exit(stop.signal.aborted ? 130 : 0);
}
