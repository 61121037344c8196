import { Command } from 'commander';
import manifest from '../../package.json' with { type: 'json' };
import { commands } from './index.ts';

/**
 * `ifactor` with the commands that these arguments need; the others have only a name and a description.
 * @param words the arguments; left out: every command is loaded
 */
export async function operatorCommand(words?: readonly string[]): Promise<Command> {
  const program = new Command('ifactor')
    .description('Network interfaces of many Linux machines, kept as declared in Kubernetes.')
    .version(manifest.version)
    .enablePositionalOptions()
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .showSuggestionAfterError();
  const wanted = words?.[0] === 'help' ? words[1] : words?.[0];
  for (const [name, { description, load }] of Object.entries(commands)) {
    const command = words === undefined || name === wanted ? await load() : new Command(name);
    program.addCommand(command.description(description));
  }
  // Commands made before they were added do not inherit how errors are shown.
  for (const stack = [program]; ;) {
    const command = stack.pop();
    if (!command) return program;
    command.exitOverride().configureOutput({ writeErr: () => {} });
    stack.push(...command.commands);
  }
}
