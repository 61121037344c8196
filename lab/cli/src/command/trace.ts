import { printable, UsageError } from '@ifactor/common';
import type { RecordedEvent } from '@ifactor/crds';
import { eventWords } from '@ifactor/crds/words';
import type { Command } from 'commander';
import pc from 'picocolors';
import { begins } from '../log/lives.ts';
import { parseObject } from '../log/selector.ts';
import { logCommand, withSource } from '../log/source.ts';
import type { SourceFlags } from '../log/source.ts';
import { causes } from '../replay/causes.ts';
import type { CausalTree } from '../replay/causes.ts';

type Flags = SourceFlags & { namespace: string; node?: string; generation?: number };

export function traceCommand(): Command {
  return logCommand('trace', ['ifactor trace wgi/wg1', 'ifactor trace nl/vxlan1 --generation 3'])
    .argument('<object>', 'KIND/NAME or KIND/NAMESPACE/NAME')
    .option('-n, --namespace <name>', 'namespace for KIND/NAME', 'default')
    .option('--node <name>', 'only events of this node')
    .option('--generation <number>', 'the apply that made this generation (default: the last one)', (text: string) => {
      if (!/^\d+$/.test(text)) throw new UsageError(`--generation ${text}: give a whole number`);
      return Number(text);
    })
    .action(async (object: string, flags: Flags) => {
      const { namespace, node, generation } = flags;
      const key = parseObject(object, namespace);
      await withSource(flags, async (source) => {
        const events: RecordedEvent[] = [];
        for await (const event of source.events({ ...key, ...(node === undefined ? {} : { node }) }))
          events.push(event);
        const root = events.findLast((event) =>
          generation === undefined
            ? event.type === 'SpecChanged' || event.type === 'DeletionRequested'
            : event.type === 'SpecChanged' && event.data.generation === generation,
        );
        if (root === undefined) {
          const [first] = events;
          const from = first === undefined || begins(first) ? '' : `; its log begins later, at ${first.time}`;
          throw new Error(
            `the log holds no ${generation === undefined ? 'apply' : `generation ${generation}`} of ${object}${from}`,
          );
        }
        console.log(pc.dim(printable(`${root.correlationId}  at ${root.time}  on node ${root.node}`)));
        print(causes(events, root), Date.parse(root.time), '', true);
      });
    });
}

function print({ event, effects }: CausalTree, start: number, indent: string, last: boolean): void {
  const elapsed = `+${Date.parse(event.time) - start} ms`;
  const branch = indent === '' && event.causationId === null ? '' : `${indent}${last ? '└─ ' : '├─ '}`;
  console.log(
    `${elapsed.padStart(10)}  ${branch}${pc.bold(event.type)} ${pc.cyan(printable(`→ ${event.state}`))} ${pc.dim(`#${event.sequence}`)}  ${printable(eventWords(event))}`,
  );
  effects.forEach((effect, i) =>
    print(effect, start, `${indent}${branch === '' ? '' : last ? '   ' : '│  '}`, i === effects.length - 1),
  );
}
