import { createLog, systemClock } from '@ifactor/common';
import { eventStoreOf, streams } from '@ifactor/common/nats';
import { desiredFilter } from '@ifactor/crds';
import { expect, test, vi } from 'vitest';
import { natsBench } from '../../testing/bench.ts';
import { ownStoreOf } from './ownStore.ts';

vi.setConfig({ testTimeout: 60_000 });
const bench = natsBench();
const subject = 'ifactor.desired.lax1.netlinkinterface.default.a';

test('beside a bridge of an older release a node reads its streams itself, and says so once', async () => {
  const lines: string[] = [];
  const log = createLog('test', 'info', (line) => lines.push(line));
  const connection = await bench.dial();
  const store = ownStoreOf(connection, 'lax1', log, systemClock);
  await store.prepare();
  await eventStoreOf(connection).append(streams.desired, { subject, body: 'wanted', headers: {} });
  for (let round = 0; round < 2; round++) {
    const stop = new AbortController();
    const seen: string[] = [];
    for await (const followed of store.follow(streams.desired, desiredFilter('lax1'), stop.signal)) {
      if (followed.type === 'caughtUp') stop.abort();
      else seen.push(followed.message.body);
    }
    expect(seen).toEqual(['wanted']);
  }
  expect(lines).toEqual([expect.stringContaining('no bridge made a consumer for this node')]);
  const { last } = await store.state(streams.desired);
  expect(last).toBe(1);
  expect((await store.next(streams.desired, 1, 'ifactor.desired.>'))?.body).toBe('wanted');
});
