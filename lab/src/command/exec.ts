import type { Command } from 'commander';
import { exec } from '../host/exec.ts';
import { needManifest } from '../cluster/manifest.ts';
import { dirOf, labCommand } from './shared.ts';

export function execCommand(): Command {
  return labCommand(
    'exec',
    "Run one of this machine's programs in the network of a node (its home netns) or of a container.",
    [
      'ifactor lab exec lax1 -- ip address',
      'ifactor lab exec agent1 -- ping -c 3 10.4.0.2',
      'ifactor lab exec agent1 -- wg show',
      'ifactor lab exec agent1 -- bash',
      '',
      "Only the network is the container's: files and programs are this machine's, so ip and wg work for every runtime.",
      "To see the container's own files, use docker exec. `wg` sees the links that are there when the command starts.",
    ],
  )
    .argument('<name>', 'node or container')
    .argument('<command...>', 'program and its arguments')
    .action(async (name: string, words: string[], _options, command: Command) => {
      process.exitCode = await exec(needManifest(dirOf(command)), name, words);
    });
}
