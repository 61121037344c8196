import { machine } from '@ifactor/actors';
import { printable, systemClock, UsageError } from '@ifactor/common';
import type { Key } from '@ifactor/crds';
import type { Command } from 'commander';
import { parseSelector, parseTime } from '../log/selector.ts';
import type { Selector } from '../log/selector.ts';
import { logCommand, newestEvents, withSource } from '../log/source.ts';
import type { LogSource, SourceFlags } from '../log/source.ts';
import { eventText } from '../log/text.ts';
import { none } from '../replay/walk.ts';

/** Default number of events shown. */
const usual = 10_000;

type Flags = SourceFlags & {
  namespace: string;
  node?: string;
  type?: string[];
  since?: string;
  until?: string;
  last?: number;
  follow?: boolean;
  json?: boolean;
};

export function eventsCommand(): Command {
  return logCommand('events', [
    'ifactor events --since 15m',
    'ifactor events --last 50 --follow',
    'ifactor events wgi/wg-lax1-lax2-0 --follow',
    'ifactor events nl --type DriftObserved,LinkRemoved --json',
  ])
    .argument('[selector]', 'KIND, KIND/NAME or KIND/NAMESPACE/NAME')
    .option('-n, --namespace <name>', 'namespace for KIND/NAME', 'default')
    .option('--node <name>', 'only events of this node')
    .option('--type <types>', 'only these types, separated by commas', parseTypes)
    .option('--since <time>', 'from this time on: RFC 3339, or how long ago (15m, 2h, 3d)')
    .option('--until <time>', 'up to this time')
    .option(
      '--last <number>',
      `only the newest so many; without this and --since, the newest ${usual.toLocaleString('en')}`,
      parseCount,
    )
    .option('-f, --follow', 'then wait for more')
    .option('--json', 'one JSON object per line')
    .action(async (selector: string | undefined, flags: Flags) => {
      const { namespace, node, type, since, until, last, follow = false, json } = flags;
      const wanted: Selector = {
        ...(selector === undefined ? {} : parseSelector(selector, namespace)),
        ...(node === undefined ? {} : { node }),
        ...(type === undefined ? {} : { types: type }),
        ...(since === undefined ? {} : { since: parseTime(since, systemClock.now()) }),
        ...(until === undefined ? {} : { until: parseTime(until, systemClock.now()) }),
      };
      await withSource(flags, async (source) => {
        if (follow && source.follow === undefined)
          throw new UsageError('--follow reads NATS only: leave out --journal and --file');
        let count = 0;
        const most = last ?? (since === undefined ? usual : undefined);
        const onCut = (): void => {
          if (last === undefined)
            process.stderr.write(
              `ifactor: only the newest ${usual.toLocaleString('en')} events: for more give --since or --last, for all ifactor export\n`,
            );
        };
        const events =
          most !== undefined
            ? newestEvents(source, wanted, { count: most, follow, onCut })
            : follow && source.follow
              ? source.follow(wanted)
              : source.events(wanted);
        for await (const event of events) {
          count++;
          console.log(json ? printable(JSON.stringify(event)) : eventText(event));
        }
        if (count > 0) return;
        if (wanted.name !== undefined && !(await hasObject(source, wanted))) throw none({ key: wanted as Key });
        process.stderr.write('ifactor: the log holds no such events\n');
      });
    });
}

function parseCount(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`--last ${text}: give a whole number`);
  return Number(text);
}

/** Whether the log holds any event of the named object, regardless of the other filters. */
async function hasObject(source: LogSource, { kind, namespace, name, node }: Selector): Promise<boolean> {
  const object = { kind, namespace, name, node } as Selector;
  for await (const _ of source.events(object)) return true;
  return false;
}

function parseTypes(text: string): string[] {
  const types = text.split(',');
  const unknown = types.filter((type) => !machine.events.some((known) => known === type));
  if (unknown.length > 0)
    throw new UsageError(`there is no event type ${unknown.join(', ')}; there are ${machine.events.join(', ')}`);
  return types;
}
