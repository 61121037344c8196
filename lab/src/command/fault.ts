import type { Command } from 'commander';
import { needManifest } from '../cluster/manifest.ts';
import { start, stop } from '../process/program.ts';
import { parts, programOf } from '../cluster/programs.ts';
import { createProgress } from '../process/progress.ts';
import { refillMachine } from '../cluster/up.ts';
import { dirOf, labCommand } from './shared.ts';

const partHelp = 'agent/NODE, bridge, nats, apiserver, ui, or vm where there is one';

export function restartCommand(): Command {
  return labCommand('restart', 'Stop a part of the lab, if it runs, and start it again. Returns when it is ready.', [
    'ifactor lab restart agent/lax1',
    'ifactor lab restart nats',
  ])
    .argument('<part>', partHelp)
    .action(async (part: string, _options, command: Command) => {
      const lab = needManifest(dirOf(command));
      const program = programOf(lab, part);
      const progress = createProgress();
      await progress.step(
        `${part} stopped`,
        () => stop(lab.dir, part),
        (was) => (was ? '' : '(it did not run)'),
      );
      await progress.step(`${part} ready`, () => start(lab.dir, program));
      if (part !== 'vm') return;
      // A virtual machine keeps nothing: its nodes start again with empty journals.
      await progress.step('nodes and containers', () => refillMachine(lab));
      for (const agent of parts(lab).filter((one) => one.startsWith('agent/'))) {
        await stop(lab.dir, agent);
        await progress.step(`${agent} ready`, () => start(lab.dir, programOf(lab, agent)));
      }
    });
}

export function killCommand(): Command {
  return labCommand('kill', 'Kill a part of the lab (-9) and leave it dead, to try a fault.', [
    'ifactor lab kill agent/lax1 && ifactor lab restart agent/lax1',
  ])
    .argument('<part>', partHelp)
    .action(async (part: string, _options, command: Command) => {
      const lab = needManifest(dirOf(command));
      programOf(lab, part);
      await createProgress().step(
        `${part} killed`,
        () => stop(lab.dir, part, 'SIGKILL'),
        (was) => (was ? '' : '(it did not run)'),
      );
    });
}
