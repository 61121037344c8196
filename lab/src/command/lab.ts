import { Command } from 'commander';
import { demoCommand } from './demo.ts';
import { doctorCommand } from './doctor.ts';
import { downCommand } from './down.ts';
import { envCommand } from './env.ts';
import { execCommand } from './exec.ts';
import { killCommand, restartCommand } from './fault.ts';
import { statusCommand } from './status.ts';
import { upCommand } from './up.ts';

export function labCommands(): Command {
  return new Command('lab')
    .enablePositionalOptions()
    .addCommand(upCommand(), { isDefault: true })
    .addCommand(downCommand())
    .addCommand(statusCommand())
    .addCommand(envCommand())
    .addCommand(execCommand())
    .addCommand(restartCommand())
    .addCommand(killCommand())
    .addCommand(demoCommand())
    .addCommand(doctorCommand())
    .addHelpText('after', '\n`ifactor lab` alone is `ifactor lab up`. Each command has --help with examples.\n');
}
