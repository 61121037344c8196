import { UsageError } from '@ifactor/common';
import { namesOf, readStreamMetadata, streams, writeStreamMetadata } from '@ifactor/common/nats';
import type { NatsConnection } from '@nats-io/transport-node';
import type { KubeApi } from '../kube/port.ts';
import { resources } from '../kube/resource.ts';

/** Key in the streams' metadata: the UID of the cluster whose objects they hold. */
const clusterKey = 'ifactor-cluster';

/** The cluster's identity: the UID of its namespace kube-system. @throws as KubeApi, Error if the namespace has no UID */
export async function clusterUid(api: Pick<KubeApi, 'get'>, signal?: AbortSignal): Promise<string> {
  const namespace = await api.get(resources.namespaces, { name: 'kube-system' }, signal);
  if (namespace === undefined) throw new Error('the cluster has no namespace kube-system');
  return namespace.metadata.uid;
}

/** The streams belong to another cluster: nothing may be written to them. */
export class OtherClusterError extends UsageError {
  override name = 'OtherClusterError';
}

/** @throws OtherClusterError if a stream holds the objects of another cluster than `uid` */
export async function checkCluster(connection: NatsConnection, uid: string): Promise<void> {
  for (const name of Object.values(streams)) {
    const owner = (await readStreamMetadata(connection, name))?.[clusterKey];
    if (owner !== undefined && owner !== uid)
      throw new OtherClusterError(
        `stream ${namesOf(connection).stream(name)} belongs to the cluster whose kube-system has the UID ${owner}, not to this one (${uid}); ` +
          `nothing was changed; give another NATS, another --prefix, or --take-over if this cluster replaces that one`,
      );
  }
}

/**
 * Records the cluster in every stream that records none, or with `takeOver` in all.
 * @throws OtherClusterError as `checkCluster`, also if another cluster was faster
 */
export async function claimStreams(connection: NatsConnection, uid: string, takeOver: boolean): Promise<void> {
  for (const name of Object.values(streams)) {
    const owner = (await readStreamMetadata(connection, name))?.[clusterKey];
    if (owner === uid || (owner !== undefined && !takeOver)) continue;
    await writeStreamMetadata(connection, { [clusterKey]: uid }, name);
  }
  await checkCluster(connection, uid);
}
