import type { Command } from 'commander';
import { eventsCommand } from './events.ts';
import { machineCommand } from './machine.ts';
import { replayCommand } from './replay.ts';
import { traceCommand } from './trace.ts';
import { exportCommand, importCommand } from './transfer.ts';

/** Adds the commands that read the event log. */
export function registerReplay(program: Command): void {
  for (const command of [
    eventsCommand(),
    replayCommand(),
    traceCommand(),
    exportCommand(),
    importCommand(),
    machineCommand(),
  ]) {
    program.addCommand(command);
  }
}
