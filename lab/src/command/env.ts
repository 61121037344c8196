import type { Command } from 'commander';
import { environmentOf } from '../cluster/environment.ts';
import { needManifest } from '../cluster/manifest.ts';
import { quote } from '../host/shell.ts';
import { dirOf, labCommand } from './shared.ts';

export function envCommand(): Command {
  return labCommand('env', 'Print what a shell needs for kubectl, nats and a browser to reach the lab.', [
    'eval "$(ifactor lab env)"',
    'eval "$(ifactor lab env --dir /tmp/other)"; xdg-open "$IFACTOR_UI"',
  ]).action((_options, command: Command) => {
    for (const [name, value] of Object.entries(environmentOf(needManifest(dirOf(command)))))
      console.log(`export ${name}=${quote(value)}`);
  });
}
