import { createLog } from '@ifactor/common';
import { NodeEntrySchema } from '@ifactor/crds';
import type { NodeEntry } from '@ifactor/crds';
import { ensureStreams, eventStoreOf } from '@ifactor/common/nats';
import type { NatsConnection } from '@nats-io/transport-node';
import { describe, expect, test, vi } from 'vitest';
import { natsBench } from '../../testing/bench.ts';
import { AnotherAgent, startHeartbeat } from './heartbeat.ts';
import type { HeartbeatOptions } from './heartbeat.ts';
import { systemRuntime } from '../../runtime.ts';

vi.setConfig({ testTimeout: 60_000 });
const bench = natsBench();
const node = 'lax1';
const runtime = systemRuntime(createLog('test', 'debug', () => undefined));

const entry = (journal: string, instance: string): HeartbeatOptions['entry'] => ({
  node,
  hostname: `host-${instance.replace(/b$/, '')}`,
  version: '0.1.0',
  machine: 1,
  sealKey: 'X',
  journal,
  instance,
});
async function beat(journal: string, instance: string, rivals: Error[] = [], dialled?: NatsConnection) {
  const connection = dialled ?? (await bench.dial());
  const heartbeat = await startHeartbeat({
    connection,
    store: eventStoreOf(connection),
    runtime,
    entry: entry(journal, instance),
    rival: (error) => void rivals.push(error),
    intervalMs: 50,
  });
  bench.cleanup(() => heartbeat.stop());
  return heartbeat;
}
async function found(): Promise<NodeEntry | undefined> {
  const bucket = await ensureStreams(await bench.dial());
  const value = (await bucket.get(node))?.json();
  return value === undefined ? undefined : NodeEntrySchema.parse(value);
}
async function until(holds: () => boolean): Promise<void> {
  await vi.waitFor(() => expect(holds()).toBe(true), { timeout: 20_000, interval: 10 });
}

describe('the heartbeat', () => {
  test('is there at once, and renewed', async () => {
    await beat('j1', 'i1');
    const first = await found();
    expect(first).toMatchObject(entry('j1', 'i1'));
    await vi.waitFor(async () => expect(Date.parse((await found())!.time)).toBeGreaterThan(Date.parse(first!.time)));
  });

  test('refuses a second agent of the same node, and names the first', async () => {
    const rivals: Error[] = [];
    await beat('j1', 'i1', rivals);
    await expect(beat('j2', 'i2')).rejects.toThrow(AnotherAgent);
    await expect(beat('j2', 'i2')).rejects.toThrow(/node lax1 from host host-i1/);
    expect(rivals).toEqual([]);
    expect((await found())?.instance).toBe('i1');
  });

  test('refuses an agent with a copy of the state folder on another machine', async () => {
    const rivals: Error[] = [];
    await beat('j1', 'i1', rivals);
    await expect(beat('j1', 'i2')).rejects.toThrow(/from host host-i1, with a copy of this state folder/);
    expect(rivals).toEqual([]);
  });

  test('refuses an agent with a copy of the state folder on the same machine', async () => {
    const rivals: Error[] = [];
    await beat('j1', 'i1', rivals);
    await expect(beat('j1', 'i1b')).rejects.toThrow(/with a copy of this state folder/);
    expect(rivals).toEqual([]);
  });

  test('does not take an agent for gone that is busy', async () => {
    const busy = await bench.dial();
    let asked = 0;
    busy.subscribe('ifactor.agent.lax1', {
      callback: (_, message) => {
        if (++asked > 1) message.respond(JSON.stringify({ ...entry('j1', 'i1'), time: new Date().toISOString() }));
      },
    });
    await busy.flush();
    await expect(beat('j2', 'i2')).rejects.toThrow(AnotherAgent);
    expect(asked).toBe(2);
  });

  test('takes over from an agent that is gone, and from an earlier run', async () => {
    const first = await beat('j1', 'i1');
    await first.stop();
    await beat('j1', 'i1b');
    await vi.waitFor(async () => expect((await found())?.instance).toBe('i1b'));
    await bench.cleanupNow();
    await beat('j2', 'i2');
    expect((await found())?.instance).toBe('i2');
  });

  test('tells an agent that was cut off that another one has the node now', async () => {
    const rivals: Error[] = [];
    await beat('j1', 'i1', rivals);
    const bucket = await ensureStreams(await bench.dial());
    await bucket.put(node, JSON.stringify({ ...entry('j2', 'i2'), time: new Date().toISOString() }));
    await until(() => rivals.length === 1);
    expect(rivals[0]?.message).toContain('host-i2');
  });

  test('of two agents that start at once only one lives', async () => {
    const [one, two] = [await bench.dial(), await bench.dial()];
    const rivals: Error[] = [];
    const results = await Promise.allSettled([beat('j1', 'i1', rivals, one), beat('j2', 'i2', rivals, two)]);
    await vi.waitFor(() =>
      expect(rivals.length + results.filter(({ status }) => status === 'rejected').length).toBe(1),
    );
  });

  test('goes on after NATS was killed, and after it lost its store', async () => {
    await beat('j1', 'i1');
    await bench.restart();
    await vi.waitFor(async () => expect(Date.now() - Date.parse((await found())!.time)).toBeLessThan(400), 20_000);
    await bench.restart(true);
    await vi.waitFor(async () => expect((await found())?.instance).toBe('i1'), 20_000);
  });
});
