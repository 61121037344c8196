import { systemRandom } from '@ifactor/common';
import { streams } from '@ifactor/common/nats';
import { createMemoryEventStore, TestClock } from '@ifactor/common/testing';
import { encodeEvent } from '@ifactor/crds';
import type { RecordedEvent } from '@ifactor/crds';
import { expect, test } from 'vitest';
import type { BridgeContext } from '../context.ts';
import { quiet, wireguard } from '../testing/objects.ts';
import { recordEvents } from './eventRecording.ts';

const dataOf = {
  LinkCreated: { slot: 'target', name: 'wg1', index: 1 },
  StrayLeft: { netns: '7', name: 'old', index: 9, code: 'EBUSY', message: 'cannot delete old: in use' },
  TimerElapsed: { timer: 'retry' },
};

function bench() {
  const clock = new TestClock();
  const store = createMemoryEventStore(clock, { [streams.events]: 'all' }).connect();
  const told: string[] = [];
  const recording = recordEvents(
    { store, clock, random: systemRandom, log: quiet } as unknown as BridgeContext,
    { get: (key) => (key === 'wireguardinterface/default/wg1' ? wireguard('wg1') : undefined) },
    {
      note: ({ kind, metadata }, { reason, message }) => {
        told.push(`${kind === 'Node' ? `node ${message.split(';')[0]} ` : ''}${metadata.name} ${reason}`);
      },
      flush: () => Promise.resolve(),
    },
  );
  let sequence = 0;
  return {
    clock,
    recording,
    told,
    record: async (type: 'LinkCreated' | 'TimerElapsed' | 'StrayLeft', name = 'wg1'): Promise<void> => {
      await store.prepare();
      const headers: Record<string, string> = {};
      const event = {
        type,
        data: dataOf[type],
        state: 'creating',
        time: '2026-01-01T00:00:00.000Z',
        id: `lax1.j.${++sequence}`,
        sequence,
        node: 'lax1',
        key: { kind: 'wireguardinterface', namespace: 'default', name },
        causationId: null,
        correlationId: 'c',
        machine: 3,
      } as unknown as RecordedEvent;
      const { subject, payload } = encodeEvent(event, { set: (header, value) => void (headers[header] = value) });
      await store.append(streams.events, { subject, body: payload, headers });
    },
  };
}

test('while it leads a bridge tells the events of objects that there are, and those that are news', async () => {
  const { clock, recording, told, record } = bench();
  recording.start();
  await clock.pass(1000);
  await record('LinkCreated');
  await record('LinkCreated', 'gone');
  await record('TimerElapsed');
  await clock.pass(1000);
  expect(told).toEqual(['wg1 LinkCreated']);
  await recording.stop();
});

test('the next that leads goes on where the last one was', async () => {
  const { clock, recording, told, record } = bench();
  // Before the first start there is nothing to stop.
  await recording.stop();
  recording.start();
  await clock.pass(1000);
  await record('LinkCreated');
  await clock.pass(1000);
  await recording.stop();
  await record('LinkCreated');
  await clock.pass(10_000);
  expect(told).toEqual(['wg1 LinkCreated']);
  recording.start();
  await clock.pass(10_000);
  expect(told).toEqual(['wg1 LinkCreated', 'wg1 LinkCreated']);
  await recording.stop();
});

test('a link that an object left on its node is told of the object, or of the node once the object is gone', async () => {
  const { clock, recording, told, record } = bench();
  recording.start();
  await clock.pass(1000);
  await record('StrayLeft');
  await record('StrayLeft', 'gone');
  await clock.pass(1000);
  expect(told).toEqual([
    'wg1 StrayLeft',
    'node wireguardinterface/default/gone: link old in netns 7 has the mark of this object and does not belong there lax1 StrayLeft',
  ]);
  await recording.stop();
});
