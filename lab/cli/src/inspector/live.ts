import { explain, sleep, systemClock } from '@ifactor/common';
import type { StatusMessage } from '@ifactor/crds';
import type { Feed } from './feed.ts';
import { EventLog } from './history/log.ts';
import { createTimeSlice } from './timeSlice.ts';
import type { LogSource } from '../log/source.ts';

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

/**
 * Feeds from streams, for ever: what they hold, then what comes. Streams that are not there, or were made again, are read
 * from their beginning as soon as they are.
 */
export async function followFeed(
  feed: Feed,
  name: string,
  open: () => Promise<LogSource>,
  abort: AbortSignal,
): Promise<void> {
  while (!abort.aborted) {
    let source: LogSource | undefined;
    try {
      source = await open();
      await followOne(feed, name, source, abort);
    } catch (error) {
      if (abort.aborted) break;
      feed.name(`${name}: ${explain(error).split('\n')[0] ?? ''}`);
    } finally {
      await source?.close().catch(() => {});
    }
    await sleep(systemClock, retryEveryMs, abort);
  }
}

async function followOne(feed: Feed, name: string, source: LogSource, abort: AbortSignal): Promise<void> {
  if (source.follow === undefined || source.followStatuses === undefined)
    throw new TypeError('only streams can be followed');
  abort.addEventListener('abort', () => void source.close().catch(() => {}), { once: true });
  source.onConnection?.((up) => feed.name(up ? name : `${name}: not connected`));
  feed.reset();
  feed.name(name);
  const endSlice = createTimeSlice();
  const events = async (iterable: ReturnType<NonNullable<LogSource['follow']>>): Promise<void> => {
    for await (const event of iterable) {
      feed.changed(feed.log.append(event));
      await endSlice();
    }
  };
  const statuses = async (iterable: AsyncIterable<StatusMessage>): Promise<void> => {
    for await (const status of iterable) feed.hear(status);
  };
  // Either ends when the connection does; the other ends with it.
  await Promise.race([events(source.follow({})), statuses(source.followStatuses())]);
}
