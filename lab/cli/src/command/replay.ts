import { failureWords, freeze, hashOf, lostWords, missingWords, verdictWords } from '@ifactor/actors';
import { printable, systemClock, UsageError } from '@ifactor/common';
import type { Key, Slot } from '@ifactor/crds';
import { operationWords, valueText } from '@ifactor/crds/words';
import type { Command } from 'commander';
import pc from 'picocolors';
import { changes } from '../replay/diff.ts';
import type { FoldStep } from '../log/lives.ts';
import type { Found } from '../replay/seek.ts';
import { parseObject, parseTime } from '../log/selector.ts';
import { logCommand, withSource } from '../log/source.ts';
import type { SourceFlags } from '../log/source.ts';
import { eventText } from '../log/text.ts';
import { find, none, walk } from '../replay/walk.ts';
import type { Range } from '../replay/walk.ts';
import { runVerify } from '../replay/verifyReport.ts';
import { runWhatIf } from '../replay/whatIfReport.ts';

type Flags = SourceFlags & {
  namespace: string;
  node?: string;
  at?: string;
  step?: boolean;
  json?: boolean;
  verify?: boolean;
  whatIf?: boolean;
};

export function replayCommand(): Command {
  return logCommand('replay', [
    'ifactor replay wgi/wg1 --at 2026-11-23T03:12:00Z',
    'ifactor replay nl/vxlan1 --step',
    'ifactor replay --verify',
    'ifactor replay --what-if --file bug.log',
  ])
    .argument('[object]', 'KIND/NAME or KIND/NAMESPACE/NAME; with --verify and --what-if, every one when left out')
    .option('-n, --namespace <name>', 'namespace for KIND/NAME', 'default')
    .option('--node <name>', 'the node, where the interface has been on several')
    .option('--at <point>', 'the state then: a time (RFC 3339, or 15m ago), or the number of an event')
    .option('--step', 'walk event by event, with what each one changed and asked for')
    .option('--json', 'the whole snapshot as JSON')
    .option('--verify', 'compare the fold with the digest that the live agent publishes; exit code 1 where they differ')
    .option(
      '--what-if',
      'fold with this version of ifactor and show the first decision that differs from the recorded one',
    )
    .action(async (object: string | undefined, flags: Flags) => {
      const key = object === undefined ? undefined : parseObject(object, flags.namespace);
      await withSource(flags, async (source) => {
        const selector = { ...key, ...(flags.node === undefined ? {} : { node: flags.node }) };
        if (flags.verify) return runVerify(source, selector);
        if (flags.whatIf) return runWhatIf(source, selector);
        if (key === undefined) throw new UsageError('name an interface, as KIND/NAME, or give --verify or --what-if');
        const range = rangeOf(key, flags);
        if (flags.step) {
          let steps = 0;
          await walk(source, range, (step) => {
            steps++;
            print(step, flags.json === true);
          });
          if (steps === 0) throw none(range);
          return;
        }
        const found = await find(source, range);
        if (found === undefined) throw none(range);
        show(found, found.event?.node ?? source.journal?.node ?? '', flags.json === true);
      });
    });
}

/** The range that `--at` selects. */
function rangeOf(key: Key, { node, at }: Flags): Range {
  const range = { key, ...(node === undefined ? {} : { node }) };
  if (at === undefined) return range;
  return /^#?\d+$/.test(at)
    ? { ...range, sequence: Number(at.replace('#', '')) }
    : { ...range, time: parseTime(at, systemClock.now()) };
}

/** Its text is made to be printed, colours included. */
const lastEvent = 'last event';

/** The state and its reasons. */
function show({ event, snapshot, partial = false }: Found, node: string, json: boolean): void {
  const { context } = snapshot;
  if (json) {
    console.log(
      printable(
        JSON.stringify(
          {
            ...(event === undefined ? {} : { event }),
            ...(partial ? { partial } : {}),
            hash: hashOf(snapshot),
            ...freeze(snapshot),
          },
          null,
          2,
        ),
      ),
    );
    return;
  }
  const { verdict, ready, desired, observed, places, missing, failure, drifts } = context;
  const rows: [string, string | undefined][] = [
    [
      'state',
      partial
        ? `${event?.state}  (as the agent recorded it; its reasons lie before the log begins)`
        : `${snapshot.value}  (${verdict.reason}: ${verdictWords(context)})`,
    ],
    ['ready', partial ? undefined : `${ready.status} since ${ready.since}`],
    ['node', node],
    [
      'generation',
      desired === null ? undefined : `${desired.generation}  (resourceVersion ${desired.resourceVersion})`,
    ],
    ['deletion', context.deletion === null ? undefined : context.deletion.gone ? 'gone from the API' : 'requested'],
    ['paused by', context.paused === null ? undefined : `${context.paused.by} since ${context.paused.since}`],
    ...Object.entries(places).map(([slot, place]): [string, string] => [
      `place ${slot}`,
      'netns' in place ? `netns ${place.netns}` : `${place.reason}: ${lostWords(context, slot as Slot)}`,
    ]),
    ...Object.entries(observed?.links ?? {}).map(([slot, link]): [string, string] => [
      `link ${slot}`,
      link === null ? 'none' : `${link.index}: ${link.name} ${link.kind} ${link.up ? 'up' : 'down'} mtu ${link.mtu}`,
    ]),
    ...Object.entries(missing).map(([ref, reason]): [string, string] => [
      `secret ${ref}`,
      `${reason}: ${missingWords(context, ref)}`,
    ]),
    [
      'failure',
      failure === null
        ? undefined
        : `${failure.code === 'Refused' ? failure.errno : failure.code}: ${failureWords(failure)}`,
    ],
    [
      'drift lately',
      drifts.length === 0 ? undefined : drifts.map(({ time, fields }) => `${time} ${fields}`).join('; '),
    ],
    [lastEvent, event === undefined ? undefined : eventText(event)],
    ['digest', partial ? undefined : hashOf(snapshot)],
  ];
  for (const [name, value] of rows)
    if (value !== undefined)
      console.log(`${pc.bold(printable(name.padEnd(14)))} ${name === lastEvent ? value : printable(value)}`);
}

function print({ event, before, snapshot, operations }: FoldStep, json: boolean): void {
  const changed = changes(freeze(before), freeze(snapshot)).filter(({ path }) => path !== 'context.operations');
  if (json) {
    console.log(printable(JSON.stringify({ event, changes: changed, operations, hash: hashOf(snapshot) })));
    return;
  }
  console.log(eventText(event));
  for (const { path, before: was, after } of changed)
    console.log(
      `    ${printable(path.replace('context.', ''))}: ${pc.red(printable(valueText(was)))} → ${pc.green(printable(valueText(after)))}`,
    );
  for (const operation of operations) {
    if (operation.type !== 'Perform') console.log(`    ${pc.yellow('asks')} ${printable(valueText(operation))}`);
    else
      for (const one of operation.operations)
        console.log(`    ${pc.yellow('performs')} ${printable(operationWords(one))}`);
  }
}
