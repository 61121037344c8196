import { Command, Option } from 'commander';
import { labDir } from '../cluster/options.ts';

export type DirFlag = { dir?: string };

function dirOption(): Option {
  return new Option('--dir <folder>', "the lab's folder, one lab per folder (default: .lab)");
}

/** A subcommand that works on one lab. */
export function labCommand(name: string, description: string, examples: string[]): Command {
  return new Command(name)
    .description(description)
    .addOption(dirOption())
    .addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}\n`);
}

/** Value of `--dir`, also where it was given to `lab` before the subcommand's name. */
export function dirOf(command: Command): string {
  return labDir(command.optsWithGlobals<DirFlag>().dir);
}

/** For options that may be given more than once. */
export function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}
