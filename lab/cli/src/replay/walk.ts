import { UsageError } from '@ifactor/common';
import type { Key, RecordedEvent } from '@ifactor/crds';
import { begins, replayAll } from '../log/lives.ts';
import type { FoldStep } from '../log/lives.ts';
import { seek } from './seek.ts';
import type { Found } from './seek.ts';
import { happened, Setbacks } from '../log/setbacks.ts';
import type { LogSource } from '../log/source.ts';

/** One actor's log up to some point: the number of an event, or milliseconds since 1970; up to its end where neither is given. */
export type Range = { key: Key; node?: string; sequence?: number; time?: number };

/** The actor at the end of the range: where a journal is read, by its snapshots. @throws UsageError */
export async function find(source: LogSource, range: Range): Promise<Found | undefined> {
  const { journal } = source;
  if (journal && (range.node === undefined || range.node === journal.node)) {
    return seek(
      journal,
      range.key,
      range.time === undefined ? { sequence: range.sequence ?? journal.last() } : { time: range.time },
    );
  }
  let found: Found | undefined;
  const { partial } = await walk(source, range, ({ snapshot, event }) => (found = { snapshot, event }));
  return found && { ...found, partial };
}

/**
 * Folds the actor's own events, one by one. Reads them twice: nothing is shown before it is known what a power cut took back.
 * @returns `partial`: the log lacks the actor's first events, and a warning was written to standard error
 * @throws UsageError where they are of several nodes
 */
export async function walk(
  source: LogSource,
  { key, node, sequence, time }: Range,
  each: (step: FoldStep) => void,
): Promise<{ partial: boolean }> {
  const selector = { ...key, ...(node === undefined ? {} : { node }), ...(time === undefined ? {} : { until: time }) };
  const setbacks = new Setbacks();
  const nodes = new Set<string>();
  let first: RecordedEvent | undefined;
  async function* read() {
    for await (const event of source.events(selector)) {
      if ((sequence === undefined || event.sequence <= sequence) && happened(setbacks.cuts, event)) yield event;
    }
  }
  for await (const event of source.events(selector)) {
    first ??= event;
    nodes.add(event.node);
    if (sequence === undefined || event.sequence <= sequence) setbacks.see(event);
  }
  if (nodes.size > 1)
    throw new UsageError(`${spell(key)} has been on several nodes: choose one with --node (${[...nodes].join(', ')})`);
  const partial = first !== undefined && !begins(first);
  if (first !== undefined && partial) {
    const { sequence: number, type, time: at } = first;
    process.stderr.write(
      `ifactor: the log lacks the first events of ${spell(key)}: it begins with event ${number} (${type}) at ${at}; on its node, --journal may reach further back\n`,
    );
  }
  await replayAll(read, () => each);
  return { partial };
}

/** The error if no event was found. */
export const none = ({ key, sequence, time }: Range): Error =>
  key.kind === 'wireguardnetworkplan'
    ? new UsageError('a plan has no log of its own, its interfaces have: ifactor events wgi')
    : new Error(
        `the log holds no event of ${spell(key)}${sequence === undefined && time === undefined ? '' : ' up to that point'}; what there is: ifactor events`,
      );

const spell = ({ kind, namespace, name }: Key): string => `${kind}/${namespace}/${name}`;
