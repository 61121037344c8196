import { systemClock } from '@ifactor/common';
import { Command } from 'commander';
import { readPin, trustKey } from './pin.ts';

/** `ifactor-agent trust [KEY]`: shows or replaces the key that a node obeys, whether or not its agent runs. */
export function trustCommand(): Command {
  return new Command('ifactor-agent trust')
    .description(
      'Show which bridge key this node trusts, or trust another one from now on, such as after the old one was lost.',
    )
    .argument('[key]', "the bridge's public key, as its log shows it: ed25519:…")
    .option('--state-dir <folder>', 'state folder of the agent, which may be running', '/var/lib/ifactor')
    .addHelpText(
      'after',
      '\nA rotated key needs none of this: the old one announces it (ifactor bridge rotate-key).\n\nExamples:\n  ifactor-agent trust\n  ifactor-agent trust ed25519:KEY --state-dir /tmp/lax1',
    )
    .action((key: string | undefined, { stateDir }: { stateDir: string }) => {
      if (key !== undefined) return console.log(trustKey(stateDir, key, systemClock));
      console.log(readPin(stateDir)?.key ?? 'no key yet: the first signed message decides, or ifactor-agent trust KEY');
    });
}
