import { explain, sleep, systemClock } from '@ifactor/common';
import type { RecordedEvent, StatusMessage } from '@ifactor/crds';
import type { Feed } from './feed.ts';
import { assumed } from './history/before.ts';
import { EventLog } from './history/log.ts';
import type { ActorId } from './protocol.ts';
import { createTimeSlice } from './timeSlice.ts';
import { actorOf, originOf } from '../log/lives.ts';
import type { LogSource, WantedInterface } from '../log/source.ts';

/** Between two tries to reach streams that are not there. */
const retryEveryMs = 1000;

/** Reads what the source holds now into a feed. */
export async function load(feed: Feed, source: LogSource): Promise<void> {
  const log = new EventLog();
  const endSlice = createTimeSlice();
  for await (const event of source.events({})) {
    log.append(event);
    await endSlice();
  }
  feed.reset(log);
  for await (const status of source.statuses()) feed.hear(status);
}

/** How much of a stream is held at first, and at most when more is asked for; in events. */
const firstWindow = 10_000;
const largestWindow = 640_000;
/** How many more may arrive while it is watched before the oldest are dropped; in events. */
const spare = 100_000;

/** How the streams are followed, and how far back they are read at first; a page can request more. */
export type FollowOptions = {
  feed: Feed;
  /** The name shown in the page. */
  name: string;
  open: () => Promise<LogSource>;
  /** Events to hold at first. */
  window?: number;
  spare?: number;
};

/**
 * Feeds from streams, for ever: the newest events that they hold, then what comes. Streams that are not there, or were made again, are
 * read as soon as they are.
 */
export async function followFeed(options: FollowOptions, abort: AbortSignal): Promise<void> {
  const { feed, name, open } = options;
  let window = options.window ?? firstWindow;
  while (!abort.aborted) {
    let source: LogSource | undefined;
    let moved: 'earlier' | 'newer' | false = false;
    try {
      source = await open();
      moved = await followOne({ ...options, window, spare: options.spare ?? spare }, source, abort);
      if (moved === 'earlier') window = Math.min(largestWindow, window * 2);
    } catch (error) {
      if (abort.aborted) break;
      feed.name(`${name}: ${explain(error).split('\n')[0] ?? ''}`);
    } finally {
      await source?.close().catch(() => {});
    }
    if (!moved) await sleep(systemClock, retryEveryMs, abort);
  }
}

/** @returns why to read again at once: more is to be held, or less; false: the connection ended */
async function followOne(
  { feed, name, window, spare: most }: Required<FollowOptions>,
  source: LogSource,
  abort: AbortSignal,
): Promise<'earlier' | 'newer' | false> {
  if (!source.follow || !source.followStatuses || !source.bounds) throw new TypeError('only streams can be followed');
  abort.addEventListener('abort', () => void source.close().catch(() => {}), { once: true });
  source.onConnection?.((up) => feed.name(up ? name : `${name}: not connected`));
  const { first, last } = await source.bounds();
  const after = Math.max(0, first - 1, last - window);
  const log = new EventLog(after);
  const endSlice = createTimeSlice();
  if (last > after) {
    for await (const event of source.events({}, { after, upTo: last })) {
      log.append(event);
      await endSlice();
    }
  }
  const again = Promise.withResolvers<'earlier' | 'newer'>();
  const all = after < first;
  feed.reset(log, {
    history: ({ node, key }) => source.events({ node, ...key }, { upTo: after }),
    earlier: all || window >= largestWindow ? null : () => again.resolve('earlier'),
  });
  feed.name(name);
  const events = async (coming: AsyncIterable<RecordedEvent>): Promise<false> => {
    for await (const event of coming) {
      // What was on its way when another log began is in that one.
      if (feed.log !== log) break;
      feed.changed(log.append(event));
      if (log.held > window + most) again.resolve('newer');
      await endSlice();
    }
    return false;
  };
  const statuses = async (coming: AsyncIterable<StatusMessage>): Promise<false> => {
    for await (const status of coming) feed.hear(status);
    return false;
  };
  const settled = all ? undefined : assumeOthers(feed, log, source).catch((error: unknown) => again.reject(error));
  try {
    // Either ends when the connection does; the other ends with it.
    return await Promise.race([
      events(source.follow({}, { after: last })),
      statuses(source.followStatuses()),
      again.promise,
    ]);
  } finally {
    await source.close().catch(() => {});
    await settled;
  }
}

/** Adds the actors created before the window, from their specs and statuses, so that the map shows all of them. */
async function assumeOthers(feed: Feed, log: EventLog, source: LogSource): Promise<void> {
  const endSlice = createTimeSlice();
  const wanted = new Map<ActorId, WantedInterface>();
  if (source.wanted) for await (const one of source.wanted()) wanted.set(actorOf(one), one);
  const add = (of: Pick<WantedInterface, 'node' | 'key'>, status?: StatusMessage): void => {
    const id = actorOf(of);
    const track = log.tracks.get(id);
    if (track?.whole) return;
    const { state, ...before } = assumed(of.key, wanted.get(id), status);
    wanted.delete(id);
    // What an actor with events in the window was before the first of them is not what it is now.
    const stands = track === undefined || track.positions.length === 0;
    feed.changed([log.precede(of, stands && state !== undefined ? { ...before, state } : before, false)]);
  };
  for await (const status of source.statuses()) {
    if (status.status.state !== 'deleted') add(originOf(status), status);
    await endSlice();
  }
  for (const one of wanted.values()) {
    add(one);
    await endSlice();
  }
}
