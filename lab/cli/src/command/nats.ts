import { sleep, systemClock } from '@ifactor/common';
import { raiseStreams, streamsAreCurrent } from '@ifactor/common/nats';
import type { RaisedStream } from '@ifactor/common/nats';
import { Command, InvalidArgumentError } from 'commander';
import { reaching } from '../log/source.ts';
import type { ReachFlags } from '../log/source.ts';
import { connectBy } from '../log/stream.ts';

type RaiseFlags = ReachFlags & { replicas?: number; timeout: number };

export function natsCommand(): Command {
  return new Command('nats').addCommand(raiseCommand());
}

function raiseCommand(): Command {
  return reaching(new Command('raise'))
    .description(
      'Give the streams of an older installation their sizes, and three copies where the servers can hold them.',
    )
    .option(
      '--replicas <count>',
      'copies of each stream: 1, 3 or 5 (default: 3 where the servers can hold them)',
      replicas,
    )
    .option('--timeout <seconds>', 'how long to wait until all copies are complete', seconds, 300)
    .addHelpText(
      'after',
      '\nExamples:\n  ifactor nats raise --nats nats://nats-0:4222,nats://nats-1:4222,nats://nats-2:4222\n\nBounds that were set by hand are kept. Nothing stops meanwhile.\n',
    )
    .action(async (flags: RaiseFlags) => {
      const connection = await connectBy(flags);
      try {
        const raised = await raiseStreams(connection, flags.replicas === undefined ? {} : { replicas: flags.replicas });
        for (const stream of raised) console.log(raisedLine(stream));
        const end = systemClock.monotonic() + flags.timeout * 1000;
        while (!(await streamsAreCurrent(connection))) {
          if (systemClock.monotonic() > end)
            throw new Error(
              `copies are not complete after ${flags.timeout} s; copying continues: run the command again to wait`,
            );
          await sleep(systemClock, 500, AbortSignal.timeout(500));
        }
        console.log('all copies are complete');
      } finally {
        await connection.close();
      }
    });
}

/** A stream before and after, in one line. */
export function raisedLine({ name, replicas: [before, after], maxBytes }: RaisedStream): string {
  const copies = before === after ? `${after}` : `${before} -> ${after}`;
  return `${name.padEnd(16)} replicas ${copies}, at most ${Math.round(maxBytes / (1 << 20))} MiB`;
}

function replicas(text: string): number {
  if (!['1', '3', '5'].includes(text))
    throw new InvalidArgumentError('give 1, 3 or 5: an even number of copies stops as soon as half of them are lost');
  return Number(text);
}

function seconds(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('give a whole number of seconds');
  return Number(text);
}
