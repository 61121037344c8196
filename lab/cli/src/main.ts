#!/usr/bin/env node
import { CommanderError } from 'commander';
import { run, UsageError } from '@ifactor/common';
import { operatorCommand } from './command/program.ts';

await run('ifactor', async () => {
  const program = await operatorCommand(process.argv.slice(2));
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
    // The message already holds the error's text; a cause would print it twice.
    throw new UsageError(
      `${error.message
        .replace(/^error: /, '')
        .replaceAll(/\s*\n\s*/g, ' ')
        .replace(/\.$/, '')}; see --help`,
    );
  }
});
