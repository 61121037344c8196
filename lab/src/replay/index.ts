import type { Command } from 'commander';
import { eventsCommand } from './eventsCommand.ts';
import { machineCommand } from './machineCommand.ts';
import { replayCommand } from './replayCommand.ts';
import { traceCommand } from './traceCommand.ts';
import { exportCommand, importCommand } from './transferCommand.ts';

/** Adds the commands that read the event log. */
export function registerReplay(program: Command): void {
  for (const command of [eventsCommand(), replayCommand(), traceCommand(), exportCommand(), importCommand(), machineCommand()]) {
    program.addCommand(command);
  }
}
