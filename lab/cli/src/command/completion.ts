import { Argument, Command } from 'commander';
import { bash } from '../completion/bash.ts';
import { fish } from '../completion/fish.ts';
import { nodesOf } from '../completion/tree.ts';
import { zsh } from '../completion/zsh.ts';

const shells = { bash, zsh, fish };
type Shell = keyof typeof shells;

export function completionCommand(): Command {
  return new Command('completion')
    .addArgument(new Argument('<shell>', 'the shell to print a script for').choices(Object.keys(shells)))
    .addHelpText(
      'after',
      `
Examples:
  source <(ifactor completion bash)
  ifactor completion zsh > "\${fpath[1]}/_ifactor"
  ifactor completion fish > ~/.config/fish/completions/ifactor.fish
`,
    )
    .action(async (shell: Shell) => {
      // Not above: that module loads this one.
      const { operatorCommand } = await import('./program.ts');
      const program = await operatorCommand();
      console.log(shells[shell](program.name(), nodesOf(program)));
    });
}
