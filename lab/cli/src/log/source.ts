import { Command } from 'commander';
import { natsFlags } from '@ifactor/common/natsFlags';
import type { NatsFlags } from '@ifactor/common/natsFlags';
import type { JournalRead } from '@ifactor/actors/journal';
import type { Key, RecordedEvent, StatusMessage } from '@ifactor/crds';
import { lastOf } from './lastOf.ts';
import { selectsEvent } from './selector.ts';
import type { Selector } from './selector.ts';

/** A part of a stream by the sequences that it gives its messages; what is left out has no bound. */
export type Stretch = { after?: number; upTo?: number };

/** What is wanted of an interface now, by the bridge. */
export type WantedInterface = { node: string; key: Key; spec: Record<string, unknown> };

/** Where a log is read from. */
export type LogSource = {
  /** What is there now, each node's events in order. */
  events(selector: Selector, stretch?: Stretch): AsyncIterable<RecordedEvent>;
  /** The same, then what comes, for ever; only streams can. */
  follow?(selector: Selector, stretch?: Stretch): AsyncIterable<RecordedEvent>;
  /** Where the stream of events begins and ends, 0 and 0 while it is empty; only streams have sequences. */
  bounds?(): Promise<{ first: number; last: number }>;
  /**
   * Where to begin so as to come to the newest `count` selected events and few others, without reading those before; `cut`: there
   * are selected events before it. Only streams can.
   */
  startOf?(selector: Selector, count: number): Promise<{ after: number; cut: boolean }>;
  /** What is wanted of each interface now; only streams can say. */
  wanted?(): AsyncIterable<WantedInterface>;
  /** What the live agents last said of their actors. */
  statuses(): AsyncIterable<StatusMessage>;
  /** The same, then what they say next, for ever; only streams can. */
  followStatuses?(): AsyncIterable<StatusMessage>;
  /** Calls when the connection to the streams is lost or back; only streams have one. */
  onConnection?(tell: (up: boolean) => void): void;
  /** It holds a part of the log only, so numbers lack. */
  selected?: boolean;
  /** The journal itself, with its snapshots, where it is the source. */
  journal?: JournalRead;
  close(): Promise<void>;
};

/** Where NATS is, and how it is reached. */
export type ReachFlags = NatsFlags & { nats?: string; creds?: string; dir?: string };

export type SourceFlags = ReachFlags & { journal?: string; file?: string };

/** Adds the options that say where NATS is. */
export function reaching(command: Command, what = 'the NATS server'): Command {
  command
    .option('--nats <url>', `${what}, tls:// for TLS (default: $NATS_URL, else the lab of this folder)`)
    .option('--creds <file>', 'credentials file for NATS');
  for (const flag of natsFlags) command.option(...flag);
  return command.option('--dir <folder>', "the lab's folder (default: .lab)");
}

/**
 * The newest `count` of the selected events, oldest first, and then what comes where `follow` is asked for. Of a stream no more than
 * these is read. `onCut` is called first where earlier ones are left out.
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

/** A command with the options that say where the log is. */
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
