import { Command } from 'commander';
import { natsFlags } from '@ifactor/common/natsFlags';
import type { NatsFlags } from '@ifactor/common/natsFlags';
import type { JournalRead } from '@ifactor/actors/journal';
import type { Key, RecordedEvent, StatusMessage } from '@ifactor/crds';
import { lastOf } from './lastOf.ts';
import { selectsEvent } from './selector.ts';
import type { Selector } from './selector.ts';

/** A part of a stream, by sequence; a bound that is left out does not limit it. */
export type Stretch = { after?: number; upTo?: number };

/** The current desired state of an interface, as the bridge published it. */
export type WantedInterface = { node: string; key: Key; spec: Record<string, unknown> };

/** Where a log is read from. */
export type LogSource = {
  /** The events stored so far, each node's in order. */
  events(selector: Selector, stretch?: Stretch): AsyncIterable<RecordedEvent>;
  /** The same, then new events as they arrive, without end; streams only. */
  follow?(selector: Selector, stretch?: Stretch): AsyncIterable<RecordedEvent>;
  /** Where the stream of events begins and ends, 0 and 0 while it is empty; only streams have sequences. */
  bounds?(): Promise<{ first: number; last: number }>;
  /**
   * Where to start reading for the newest `count` selected events and few others, without reading earlier ones; `cut`: there are
   * earlier selected events. Streams only.
   */
  startOf?(selector: Selector, count: number): Promise<{ after: number; cut: boolean }>;
  /** The current desired state of each interface; streams only. */
  wanted?(): AsyncIterable<WantedInterface>;
  /** The last status that the live agents published of each actor. */
  statuses(): AsyncIterable<StatusMessage>;
  /** The same, then new statuses as they arrive, without end; streams only. */
  followStatuses?(): AsyncIterable<StatusMessage>;
  /** Calls back when the connection to the streams is lost or restored; streams only. */
  onConnection?(tell: (up: boolean) => void): void;
  /** It holds only a part of the log, so sequence numbers have gaps. */
  selected?: boolean;
  /** The journal itself, with its snapshots, where it is the source. */
  journal?: JournalRead;
  close(): Promise<void>;
};

/** Where NATS is, and how it is reached. */
export type ReachFlags = NatsFlags & { nats?: string; creds?: string; dir?: string };

export type SourceFlags = ReachFlags & { journal?: string; file?: string };

/** Adds the options for reaching NATS. */
export function reaching(command: Command, what = 'the NATS server'): Command {
  command
    .option('--nats <url>', `${what}, tls:// for TLS (default: $NATS_URL, else the lab of this folder)`)
    .option('--creds <file>', 'credentials file for NATS');
  for (const flag of natsFlags) command.option(...flag);
  return command.option('--dir <folder>', "the lab's folder (default: .lab)");
}

/**
 * The newest `count` of the selected events, oldest first, then new ones if `follow` is set. Of a stream, no more than
 * these are read. `onCut` is called first if earlier ones are left out.
 */
export async function* newestEvents(
  source: LogSource,
  selector: Selector,
  { count, follow, onCut }: { count: number; follow: boolean; onCut: () => void },
): AsyncGenerator<RecordedEvent> {
  if (source.startOf === undefined || source.bounds === undefined) {
    yield* await lastOf(source.events(selector), count, onCut);
    return;
  }
  const { last } = await source.bounds();
  const { after, cut } = await source.startOf(selector, count);
  if (cut) onCut();
  yield* await lastOf(source.events(selector, { after, upTo: last }), count, cut ? () => {} : onCut);
  if (follow && source.follow) yield* source.follow(selector, { after: last });
}

/** A command with the options that locate the log. */
export function logCommand(name: string, examples: string[]): Command {
  return reaching(new Command(name), 'read the streams of this NATS server')
    .option('--journal <folder>', "read the journal in an agent's state folder, on its node")
    .option('--file <path>', 'read a log file that `ifactor export` wrote')
    .addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}\n`);
}

/** Opens the source that the flags name. @throws UsageError, JournalError, or NATS' own */
export async function openSource(flags: SourceFlags): Promise<LogSource> {
  // Each by itself: a file is read where there is neither SQLite nor NATS, and no command pays for the others.
  if (flags.file !== undefined) return (await import('./file.ts')).openFile(flags.file);
  if (flags.journal !== undefined)
    return journalSource((await import('@ifactor/actors/journal')).readJournal(flags.journal));
  return (await import('./stream.ts')).openStream(flags);
}

/** Runs a step with the source that the flags name, and closes it. */
export async function withSource<T>(flags: SourceFlags, step: (source: LogSource) => Promise<T>): Promise<T> {
  const source = await openSource(flags);
  try {
    return await step(source);
  } finally {
    await source.close();
  }
}

function journalSource(journal: JournalRead): LogSource {
  return {
    journal,
    async *events(selector) {
      const { kind, namespace, name } = selector;
      const one = kind !== undefined && namespace !== undefined && name !== undefined;
      for (const event of journal.read(one ? { key: `${kind}/${namespace}/${name}` } : {}))
        if (selectsEvent(selector, event)) yield event;
    },
    async *statuses() {},
    close: async () => journal.close(),
  };
}
