import { readStreamMetadata } from '@ifactor/common/nats';
import { until } from '@ifactor/common/testing';
import { expect, test } from 'vitest';
import { startBridge, startWorld } from './world.ts';

test('a second bridge whose Lease is in another namespace refuses, and changes nothing', async () => {
  await using world = await startWorld();
  await world.bridge('first');
  const connection = await world.nats.connect();
  const named = async (): Promise<string | undefined> => (await readStreamMetadata(connection))?.['ifactor-lease'];
  expect(await named()).toBe('default/ifactor-bridge');
  const second = startBridge(world.kubeconfig, world.nats.url, 'second', ['--lease-namespace', 'kube-system']);
  await until(() => /give --lease-namespace default/.test(second.output()), 'the second bridge to refuse', 60_000);
  expect(await second.end()).toBe(2);
  expect(second.output()).not.toContain(' leading');
  expect(second.output()).toContain('first leads');
  expect([await named(), await world.leader()]).toEqual(['default/ifactor-bridge', 'first']);
}, 120_000);
