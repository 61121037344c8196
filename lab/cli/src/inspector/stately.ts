import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { machine, valueOf } from '@ifactor/actors';
import type { Snapshot } from '@ifactor/actors';
import { systemRandom, UsageError } from '@ifactor/common';
import { WebSocketServer } from 'ws';
import type { Feed } from './feed.ts';
import { hostFits, originFits, tokenFits } from './server/policy.ts';
import type { ActorId } from './protocol.ts';
import type { Track } from './history/track.ts';

/** The version of @statelyai/inspect whose messages these are. */
const version = '0.7.2';

type Message = { type: '@xstate.actor' | '@xstate.event' | '@xstate.snapshot' } & Record<string, unknown>;

/**
 * Feeds every live actor to viewers that speak the protocol of @statelyai/inspect, such as its `createWebSocketReceiver`: each
 * actor with its statechart, then its events and snapshots as they come.
 * @param token what a viewer has to give as `?token=`
 * @throws UsageError where the port is taken
 */
export async function feedViewers(
  feed: Feed,
  port: number,
  token: string,
): Promise<{ url: string; port: number; close(): Promise<void> }> {
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port,
    maxPayload: 2 ** 16,
    verifyClient: ({ req }: { req: IncomingMessage }) =>
      hostFits(req, bound) && originFits(req, bound) && tokenFits(req, token),
  });
  let bound = port;
  await once(server, 'listening').catch((cause: unknown) => {
    throw new UsageError(`port ${port} is not available for --stately: give another`, { cause });
  });
  const address = server.address();
  if (address !== null && typeof address === 'object') bound = address.port;
  server.on('connection', (socket) => {
    const told = new Map<ActorId, number>();
    const send = (message: Message): void => {
      if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message));
    };
    const unwatch = feed.watch((news) => {
      if (news.tell === 'source') told.clear();
      if (news.tell !== 'moment') return;
      for (const id of Object.keys(news.moment.states)) {
        const track = feed.log.tracks.get(id);
        if (track) for (const message of since(feed, track, told)) send(message);
      }
    });
    socket.on('error', () => {});
    socket.on('close', unwatch);
  });
  return {
    url: `ws://127.0.0.1:${bound}/?token=${token}`,
    port: bound,
    async close() {
      for (const socket of server.clients) socket.terminate();
      server.close();
      await once(server, 'close');
    },
  };
}

/** What a viewer has not been sent of an actor yet; `told` holds the last position sent, by actor. */
function* since({ log }: Feed, track: Track, told: Map<ActorId, number>): Generator<Message> {
  const before = told.get(track.id);
  const last = track.lived.at(-1);
  if (last === undefined) return;
  told.set(track.id, last);
  const common = (time: string) => ({
    sessionId: track.id,
    rootId: track.id,
    id: systemRandom.uuid(),
    createdAt: String(Date.parse(time)),
    _version: version,
  });
  if (before === undefined) {
    const { time } = log.event(last);
    yield {
      type: '@xstate.actor',
      ...common(time),
      name: track.id,
      parentId: undefined,
      definition: JSON.stringify(machine),
      snapshot: shown(track.snapshot),
    };
    return;
  }
  for (const position of track.lived.slice(track.lived.findLastIndex((one) => one <= before) + 1)) {
    const event = log.event(position);
    const { type, time, data } = event;
    const snapshot = track.at(position, (number) => log.event(number))?.snapshot;
    yield { type: '@xstate.event', ...common(time), event: { type, time, data }, sourceId: undefined };
    yield { type: '@xstate.snapshot', ...common(time), event: { type, time, data }, snapshot: shown(snapshot) };
  }
}

const shown = (snapshot: Snapshot | undefined): object => ({
  status: 'active',
  value: snapshot && valueOf(snapshot.value),
  context: snapshot?.context,
});
