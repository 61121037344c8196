import { createLog } from '@ifactor/common';
import { formatStatusSubject } from '@ifactor/crds';
import { eventStoreOf, streams } from '@ifactor/common/nats';
import { jetstreamManager } from '@nats-io/jetstream';
import { describe, expect, test, vi } from 'vitest';
import { natsBench } from '../../testing/bench.ts';
import { StatusPublisher } from './statusPublisher.ts';
import type { StatusOptions } from './statusPublisher.ts';
import { systemRuntime } from '../../runtime.ts';

vi.setConfig({ testTimeout: 60_000 });
const bench = natsBench();
const node = 'lax1';
const runtime = systemRuntime(createLog('test', 'debug', () => undefined));

const subjectOf = (name: string): string =>
  formatStatusSubject({ node, kind: 'netlinkinterface', namespace: 'default', name });

async function publisher(values: Map<string, string>, more: Partial<StatusOptions> = {}): Promise<StatusPublisher> {
  const made = new StatusPublisher({
    store: eventStoreOf(await bench.dial()),
    node,
    runtime,
    keys: () => values.keys(),
    value: (key) => {
      const payload = values.get(key);
      return payload === undefined ? null : { subject: subjectOf(key), payload };
    },
    ...more,
  });
  bench.cleanup(() => made.stop());
  return made;
}
async function stored(name: string): Promise<string | undefined> {
  const manager = await jetstreamManager(await bench.dial());
  return (await manager.streams.getMessage(streams.status, { last_by_subj: subjectOf(name) }))?.string();
}
async function messages(): Promise<number> {
  return (await (await jetstreamManager(await bench.dial())).streams.info(streams.status)).state.last_seq;
}

describe('statuses', () => {
  test('are all published at the start, and each that is touched', async () => {
    const values = new Map(Array.from({ length: 600 }, (_, i) => [`n${i}`, 'old']));
    const status = await publisher(values);
    status.touch('n0');
    await status.idle();
    values.set('n5', 'new');
    status.touch('n5');
    await status.idle();
    expect(await stored('n5')).toBe('new');
    await vi.waitFor(async () => expect(await stored('n599')).toBe('old'));
  });

  test('that change fast are published as the last of them, not each', async () => {
    const values = new Map([['a', '0']]);
    const status = await publisher(values);
    status.touch('a');
    await status.idle();
    const began = performance.now();
    for (let i = 1; i <= 100; i++) {
      values.set('a', String(i));
      status.touch('a');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await status.idle();
    expect(await stored('a')).toBe('100');
    // One at the start, then at most one in each interval that has begun since.
    expect(await messages()).toBeLessThanOrEqual(2 + Math.ceil((performance.now() - began) / 200));
  });

  test('wait for NATS, and come again when it has lost its store', async () => {
    const values = new Map([
      ['a', '1'],
      ['b', '1'],
    ]);
    const status = await publisher(values);
    status.touch('a');
    await status.idle();
    await bench.nats.kill();
    values.set('a', '2');
    status.touch('a');
    await bench.nats.start();
    await status.idle();
    expect(await stored('a')).toBe('2');
    await bench.restart(true);
    await vi.waitFor(async () => expect([await stored('a'), await stored('b')]).toEqual(['2', '1']), 20_000);
  });

  test('come again when the stream was recreated under a living connection', async () => {
    const values = new Map([['a', '1']]);
    const status = await publisher(values);
    status.touch('a');
    await status.idle();
    await (await jetstreamManager(await bench.dial())).streams.delete(streams.status);
    values.set('a', '2');
    status.touch('a');
    await status.idle();
    expect(await stored('a')).toBe('2');
  });
});
