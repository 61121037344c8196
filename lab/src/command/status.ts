import type { Command } from 'commander';
import pc from 'picocolors';
import { needManifest } from '../cluster/manifest.ts';
import { statusOf } from '../cluster/status.ts';
import { dirOf, labCommand } from './shared.ts';

export function statusCommand(): Command {
  return labCommand('status', 'Show what the lab consists of and whether it runs. Exit code 1 if a part is missing.', [
    'ifactor lab status',
  ]).action(async (_options, command: Command) => {
    const lab = needManifest(dirOf(command));
    const rows = await statusOf(lab);
    const width = Math.max(...rows.map(({ name }) => name.length));
    console.log(
      `lab ${lab.dir} (${lab.phase === 'ready' ? (lab.owner ? 'in the foreground' : 'detached') : 'starting, or interrupted: ifactor lab down'})`,
    );
    for (const { name, up, detail } of rows)
      console.log(`${up ? pc.green('✓') : pc.red('✗')} ${name.padEnd(width)}  ${detail}`);
    if (rows.some(({ up }) => !up)) process.exitCode = 1;
  });
}
