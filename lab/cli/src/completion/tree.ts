import type { Command, Option } from 'commander';

/** An option as a shell has to know it. `values`: what may follow it; null where it takes none, empty where anything may. */
export type Flag = { long: string; short: string | undefined; description: string; values: readonly string[] | null };

/** A command by the words that lead to it, such as `ifactor lab up`. */
export type Node = {
  path: string;
  commands: { name: string; description: string }[];
  /** What its first argument may be, where it is one of a list. */
  values: readonly string[];
  flags: Flag[];
};

/** A command and all below it. */
export function nodesOf(command: Command, before = ''): Node[] {
  const path = `${before}${command.name()}`;
  const subcommands = command.commands;
  const help: Flag = { long: '--help', short: '-h', description: 'display help for command', values: null };
  // The options of a default command may be given without its name.
  const usual = subcommands.find((one) => isDefault(command, one));
  return [
    {
      path,
      commands: subcommands.map((one) => ({ name: one.name(), description: one.description() })),
      values: command.registeredArguments[0]?.argChoices ?? [],
      flags: [...[command, ...(usual ? [usual] : [])].flatMap(({ options }) => options.filter(shown).map(flag)), help],
    },
    ...subcommands.flatMap((one) => nodesOf(one, `${path} `)),
  ];
}

const isDefault = (parent: Command, one: Command): boolean => Reflect.get(parent, '_defaultCommandName') === one.name();

const shown = (option: Option): boolean => !option.hidden && option.long !== undefined;

const flag = ({ long, short, description, argChoices, required, optional }: Option): Flag => ({
  long: long ?? '',
  short,
  description,
  values: required || optional ? (argChoices ?? []) : null,
});

/** A text in single quotes, as bash, zsh and fish read it. */
export const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
