import { AckPolicy, DeliverPolicy, JetStreamApiCodes, JetStreamApiError, jetstreamManager } from '@nats-io/jetstream';
import type { JetStreamManager } from '@nats-io/jetstream';
import { namesOf, streams } from '@ifactor/common/nats';
import { nanos } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';

/** In milliseconds. Events are stored later than they happen, never earlier; but clocks of nodes differ. */
export const clockSlackMs = 60_000;

/** The server removes a counting consumer after this time of inactivity, in case the request to delete it is lost. */
const forgetMs = 5000;

type Start = { deliver_policy: typeof DeliverPolicy.All } | { opt_start_seq: number } | { opt_start_time: string };

/** A server that counts many millions of messages, or is busy, takes seconds for it; in milliseconds. */
export const patienceMs = 60_000;

/** Counting costs by how far from the end it begins, reading by the event: beyond so many messages, so many are read unasked. */
const nearMessages = 100_000;
const spareEvents = 10_000;
/** By how much the search widens at a time. */
const widen = 8;

/**
 * The sequence after which to start reading for the newest `count` events under these subjects. The server counts, from the end
 * on backwards, so that no events are read to find it; far from the end up to `spareEvents` earlier ones are included.
 * @param until in milliseconds since 1970: of events up to then
 */
export async function startOf(
  connection: NatsConnection,
  filters: readonly string[],
  count: number,
  until?: number,
): Promise<{ after: number; cut: boolean }> {
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout: patienceMs });
  const names = namesOf(connection);
  const stream = names.stream(streams.events);
  const { state } = await manager.streams.info(stream).catch(missing(stream));
  const matching = (start: Start): Promise<number> => countMatching(manager, stream, filters.map(names.subject), start);
  // Those that were stored since may be older.
  const since =
    until === undefined ? 0 : await matching({ opt_start_time: new Date(until - clockSlackMs).toISOString() });
  const wanted = count + since;
  const all = await matching({ deliver_policy: DeliverPolicy.All });
  if (all <= wanted) return { after: 0, cut: false };
  // Every message matches, so the sequence can be computed without counting.
  if (all === state.messages) return { after: state.last_seq - wanted, cut: true };
  const after = await searchBack({
    wanted,
    all,
    first: state.first_seq - 1,
    last: state.last_seq,
    // As if they were spread evenly.
    guess: Math.ceil((wanted / all) * state.messages),
    countAfter: (sequence) => matching({ opt_start_seq: sequence + 1 }),
  });
  return { after, cut: true };
}

type Search = {
  wanted: number;
  /** How many there are after `first`. */
  all: number;
  first: number;
  last: number;
  /** How far back from `last` to look first. */
  guess: number;
  countAfter: (sequence: number) => Promise<number>;
};

/** The last sequence with `wanted` matching messages after it, or far from the end one with up to `spareEvents` more. */
export async function searchBack({ wanted, all, first, last, guess, countAfter }: Search): Promise<number> {
  let [few, enough, found] = [last, first, all];
  for (let back = Math.max(1, guess); last - back > first; back *= widen) {
    const counted = await countAfter(last - back);
    if (counted >= wanted) {
      [enough, found] = [last - back, counted];
      break;
    }
    few = last - back;
  }
  while (few - enough > 1 && (last - enough <= nearMessages || found - wanted > spareEvents)) {
    const middle = Math.floor((few + enough) / 2);
    const counted = await countAfter(middle);
    if (counted >= wanted) [enough, found] = [middle, counted];
    else few = middle;
  }
  return enough;
}

/** How many messages from a start on are under these subjects. */
async function countMatching(
  manager: JetStreamManager,
  stream: string,
  filters: string[],
  start: Start,
): Promise<number> {
  const policy =
    'opt_start_seq' in start
      ? DeliverPolicy.StartSequence
      : 'opt_start_time' in start
        ? DeliverPolicy.StartTime
        : DeliverPolicy.All;
  const { name, num_pending: pending } = await manager.consumers.add(stream, {
    ...start,
    deliver_policy: policy,
    ack_policy: AckPolicy.None,
    filter_subjects: filters,
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: nanos(forgetMs),
  });
  await manager.consumers.delete(stream, name);
  return pending;
}

/** Turns the error for a missing stream into a readable message. */
export function missing(stream: string): (error: unknown) => never {
  return (error) => {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound)
      throw new Error(`there is no stream ${stream} on this server: no agent has been here yet`, { cause: error });
    throw error;
  };
}
