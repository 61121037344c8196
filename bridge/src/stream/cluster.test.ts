import { startNats } from '@ifactor/common/testing';
import { ensureStreams } from '@ifactor/common/nats';
import { expect, test } from 'vitest';
import { checkCluster, claimStreams, clusterUid, OtherClusterError } from './cluster.ts';

test('streams without a cluster take that of the first; another is refused until it says that it is meant', async () => {
  await using nats = await startNats();
  const connection = await nats.connect();
  await ensureStreams(connection);
  await checkCluster(connection, 'one');
  await claimStreams(connection, 'one', false);
  await checkCluster(connection, 'one');
  await expect(checkCluster(connection, 'two')).rejects.toThrow(OtherClusterError);
  await expect(claimStreams(connection, 'two', false)).rejects.toThrow(/kube-system has the UID one, not to this one/);
  await checkCluster(connection, 'one');
  await claimStreams(connection, 'two', true);
  await checkCluster(connection, 'two');
  await expect(checkCluster(connection, 'one')).rejects.toThrow(OtherClusterError);
});

test('a cluster is known by its namespace kube-system', async () => {
  const metadata = { name: 'kube-system', uid: 'u1', resourceVersion: '1', creationTimestamp: '' };
  const get = (_resource: unknown, { name }: { name: string }) =>
    Promise.resolve(name === 'kube-system' ? { apiVersion: 'v1', kind: 'Namespace', metadata } : undefined);
  expect(await clusterUid({ get })).toBe('u1');
  await expect(clusterUid({ get: () => Promise.resolve(undefined) })).rejects.toThrow('no namespace kube-system');
});
