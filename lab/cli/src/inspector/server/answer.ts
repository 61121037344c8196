import { UsageError } from '@ifactor/common';
import { chainOf } from '../history/chain.ts';
import { detailOf } from '../history/detail.ts';
import type { Feed } from '../feed.ts';
import type { EventLog } from '../history/log.ts';
import type { Ask, Asks, Filter } from '../protocol.ts';
import { refold } from '../history/refold.ts';

/** Maximum rows of one answer; a page draws far fewer at once. */
const mostRows = 2000;

type Answers = {
  readonly [A in Exclude<Ask, 'open'>]: (
    feed: Feed,
    request: Asks[A]['request'],
  ) => Asks[A]['answer'] | Promise<Asks[A]['answer']>;
};

/** Handlers of the requests on one log. Each throws a UsageError on an invalid request. */
export const pageAnswers: Answers = {
  moment({ log, handshakes, time }, { at }) {
    if (at === null) return { at, total: log.total, time, states: log.states(log.total), handshakes };
    const position = positionIn(log, at);
    return {
      at: position,
      total: log.total,
      time: position === log.start ? null : log.row(position).time,
      states: log.states(position),
      handshakes: {},
    };
  },
  events({ log, filters }, { filter, from, count }) {
    const { total, positions } = filters.slice(filterOf(filter), whole(from), Math.min(mostRows, whole(count)));
    return { total, rows: positions.map((position) => log.row(position)) };
  },
  rank: ({ filters }, { filter, at }) => ({ rank: filters.rank(filterOf(filter), whole(at)) }),
  async actor(feed, { actor, at }) {
    const complete = await feed.complete(actor);
    const detail = detailOf(feed.log, actor, at === null ? null : positionIn(feed.log, at));
    return complete ? detail : { ...detail, partial: true };
  },
  chain: ({ log }, { event }) => chainOf(log, event),
  whatIf: ({ log }, { actor }) => refold(log, actor),
  earlier(feed) {
    feed.earlier();
    return null;
  },
};

function whole(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new UsageError(`${JSON.stringify(value)} is not a whole number`);
}

function positionIn({ start, total }: EventLog, value: unknown): number {
  const position = whole(value);
  if (position < start)
    throw new UsageError(
      `event ${position} is earlier than what is held, which is from ${start + 1} on: load earlier ones`,
    );
  if (position > total) throw new UsageError(`there is no position ${position}: the log has ${total} events`);
  return position;
}

function filterOf(value: unknown): Filter {
  if (typeof value !== 'object' || value === null) throw new UsageError('a filter is an object');
  const { actor, node, text, types, states } = value as Record<string, unknown>;
  for (const one of [actor, node, text])
    if (one !== undefined && typeof one !== 'string')
      throw new UsageError('actor, node and text of a filter are texts');
  for (const one of [types, states])
    if (one !== undefined && !Array.isArray(one)) throw new UsageError('types and states of a filter are lists');
  return value;
}
