import type { Command } from 'commander';
import { down } from '../cluster/down.ts';
import { createProgress } from '../process/progress.ts';
import { dirOf, labCommand } from './shared.ts';

export function downCommand(): Command {
  return labCommand(
    'down',
    'Remove all of the lab: processes, containers, network namespaces, files. Also after a crash.',
    ['ifactor lab down', 'ifactor lab down --dir /tmp/other'],
  ).action(async (_options, command: Command) => {
    const dir = dirOf(command);
    const progress = createProgress();
    if (!(await down(dir, progress))) progress.say(`no lab in ${dir}`);
  });
}
