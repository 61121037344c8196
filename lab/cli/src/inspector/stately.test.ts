import { createWebSocketReceiver } from '@statelyai/inspect';
import type { StatelyInspectionEvent } from '@statelyai/inspect';
import { someKey, someLives } from '@ifactor/actors/testing';
import { valueOf } from '@ifactor/actors';
import type { State } from '@ifactor/crds';
import { expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { Feed } from './feed.ts';
import { feedViewers } from './stately.ts';

test('a viewer of @statelyai/inspect sees an actor, then its events and snapshots', async () => {
  const events = someLives({ node: 'lax1', eventId: (sequence) => `lax1.j.${sequence}` }, [someKey('a')])
    .take(12)
    .toArray();
  const feed = new Feed({ kind: 'live', name: 'nats' });
  for (const event of events.slice(0, 4)) feed.changed(feed.log.append(event));
  const viewers = await feedViewers(feed, 0, 'secret');
  const seen: StatelyInspectionEvent[] = [];
  createWebSocketReceiver({ server: viewers.url }).subscribe((event) => seen.push(event));
  await vi.waitFor(() => expect(seen.length).toBe(1));
  const id = 'lax1 netlinkinterface/default/a';
  expect(seen[0]).toMatchObject({
    type: '@xstate.actor',
    sessionId: id,
    rootId: id,
    name: id,
    snapshot: { status: 'active', value: valueOf(events[3]!.state as State) },
  });
  const [actor] = seen;
  const definition = JSON.parse((actor?.type === '@xstate.actor' && actor.definition) || '{}') as { states?: object };
  expect(Object.keys(definition.states ?? {})).toEqual(['alive', 'ending']);

  for (const event of events.slice(4)) feed.changed(feed.log.append(event));
  await vi.waitFor(() => expect(seen.length).toBe(17));
  const types = seen.slice(1).map((one) => one.type);
  expect(types).toEqual(events.slice(4).flatMap(() => ['@xstate.event', '@xstate.snapshot']));
  const told = seen.flatMap((one) => (one.type === '@xstate.event' ? [one.event.type] : []));
  expect(told).toEqual(events.slice(4).map(({ type }) => type));
  const states = seen.flatMap((one) =>
    one.type === '@xstate.snapshot' && 'value' in one.snapshot ? [one.snapshot.value] : [],
  );
  expect(states).toEqual(events.slice(4).map(({ state }) => valueOf(state as State)));
  await viewers.close();
});

test('a web page of elsewhere is no viewer, nor who does not know the token', async () => {
  const viewers = await feedViewers(new Feed({ kind: 'live', name: 'nats' }), 0, 'secret');
  for (const [address, origin] of [
    [viewers.url, 'https://evil.example'],
    [`ws://127.0.0.1:${viewers.port}`, undefined],
    [`ws://127.0.0.1:${viewers.port}/?token=other`, undefined],
  ] as const) {
    const socket = new WebSocket(address, origin === undefined ? {} : { origin });
    const status = await new Promise((resolve) =>
      socket
        .on('unexpected-response', (_, response) => resolve(response.statusCode))
        .on('open', () => resolve('open'))
        .on('error', () => {}),
    );
    expect([address, status]).toEqual([address, 401]);
    socket.terminate();
  }
  await viewers.close();
});
