#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { run, UsageError } from '@ifactor/common';
import { labCommands } from '@ifactor/lab/command';
import { uiCommand } from './command/ui.ts';
import { registerReplay } from './command/index.ts';

const program = new Command('ifactor')
  .description('Network interfaces of many Linux machines, kept as declared in Kubernetes.')
  .enablePositionalOptions()
  .addCommand(labCommands())
  .addCommand(uiCommand())
  .showSuggestionAfterError();
registerReplay(program);

// Commands made before they were added do not inherit how errors are shown.
for (const stack = [program]; ;) {
  const command = stack.pop();
  if (!command) break;
  command.exitOverride().configureOutput({ writeErr: () => {} });
  stack.push(...command.commands);
}

await run('ifactor', async () => {
  try {
    await program.parseAsync();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return;
    if (error.code === 'commander.help') {
      program.outputHelp();
      process.exitCode = 2;
      return;
    }
    // Its words are ours already: as a cause they would be said twice.
    throw new UsageError(
      `${error.message
        .replace(/^error: /, '')
        .replaceAll(/\s*\n\s*/g, ' ')
        .replace(/\.$/, '')}; see --help`,
    );
  }
});
