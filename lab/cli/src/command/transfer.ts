import { systemClock } from '@ifactor/common';
import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { once } from 'node:events';
import { encodeEvent, eventFilter } from '@ifactor/crds';
import { ensureStreams, namesOf, streams } from '@ifactor/common/nats';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import { Command } from 'commander';
import { originOf } from '../log/lives.ts';
import { eventLine, fileHeader, openFile, statusLine } from '../log/file.ts';
import { parseSelector, parseTime, selectsActor } from '../log/selector.ts';
import { logCommand, reaching, withSource } from '../log/source.ts';
import type { ReachFlags, SourceFlags } from '../log/source.ts';
import { connectBy } from '../log/stream.ts';

type ExportFlags = SourceFlags & { namespace: string; node?: string; since?: string; output?: string };

export function exportCommand(): Command {
  return logCommand('export', ['ifactor export > lab.log', 'ifactor export wgi/wg1 --output wg1.log'])
    .argument('[selector]', 'KIND, KIND/NAME or KIND/NAMESPACE/NAME')
    .option('-n, --namespace <name>', 'namespace for KIND/NAME', 'default')
    .option('--node <name>', 'only events of this node')
    .option('--since <time>', 'from this time on; a log without the first events of an actor cannot be verified')
    .option('-o, --output <path>', 'the file to write (default: standard output)')
    .action(async (selector: string | undefined, flags: ExportFlags) => {
      const wanted = {
        ...(selector === undefined ? {} : parseSelector(selector, flags.namespace)),
        ...(flags.node === undefined ? {} : { node: flags.node }),
        ...(flags.since === undefined ? {} : { since: parseTime(flags.since, systemClock.now()) }),
      };
      await withSource(flags, async (source) => {
        const file = flags.output === undefined ? undefined : createWriteStream(flags.output, { mode: 0o600 });
        if (file) await once(file, 'open');
        const write = writer(file ?? process.stdout);
        await write(fileHeader(new Date(systemClock.now()), Object.keys(wanted).length > 0));
        // Statuses first, then events, so that the log reaches at least as far as the statuses.
        for await (const status of source.statuses()) {
          if (selectsActor(wanted, originOf(status))) await write(statusLine(status));
        }
        for await (const event of source.events(wanted)) await write(eventLine(event));
        if (file) {
          file.end();
          await once(file, 'close');
        }
      });
    });
}

const writer =
  (output: Writable) =>
  async (line: string): Promise<void> => {
    if (!output.write(`${line}\n`)) await once(output, 'drain');
  };

export function importCommand(): Command {
  return reaching(new Command('import'))
    .argument('<file>', 'a file that `ifactor export` wrote')
    .option('--force', 'also where the stream has events of the same nodes')
    .addHelpText(
      'after',
      '\nExamples:\n  ifactor import bug.log --nats nats://127.0.0.1:4222\n\nTo replay a file no server is needed: ifactor replay --file bug.log …\n',
    )
    .action(async (path: string, flags: ReachFlags & { force?: boolean }) => {
      const file = await openFile(path);
      const connection = await connectBy(flags);
      try {
        await ensureStreams(connection);
        const names = namesOf(connection);
        const stream = names.stream(streams.events);
        const manager = await jetstreamManager(connection);
        const js = jetstream(connection);
        const checked = new Set<string>();
        let count = 0;
        for await (const event of file.events({})) {
          if (!checked.has(event.node) && flags.force !== true) {
            const last = await manager.streams.getMessage(stream, {
              last_by_subj: names.subject(eventFilter({ node: event.node })),
            });
            if (last !== null)
              throw new Error(
                `the stream has events of node ${event.node} already; import into another server, or give --force`,
              );
          }
          checked.add(event.node);
          const attributes = headers();
          const { subject, payload } = encodeEvent(event, attributes);
          await js.publish(names.subject(subject), payload, { msgID: event.id, headers: attributes });
          count++;
        }
        console.log(`${count} events of ${checked.size} nodes are in ${stream}`);
      } finally {
        await connection.close();
      }
    });
}
