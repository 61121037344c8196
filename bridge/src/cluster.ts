import { explain, sleep, systemClock } from '@ifactor/common';
import type { BridgeOptions } from './bridge.ts';
import { OtherClusterError, checkCluster, claimStreams, clusterUid } from './stream/cluster.ts';
import type { Outage } from './view/outage.ts';

/** Keeps the streams to one cluster. */
export type Cluster = {
  /** Waits for the cluster's identity. @throws OtherClusterError where the streams belong to another cluster */
  check(): Promise<void>;
  /** This bridge leads: names the cluster in streams that name none. Resolves to false where it may not write to them. */
  claim(): Promise<boolean>;
  /** Rejects with OtherClusterError where that turns out later. */
  readonly other: Promise<never>;
};

const retryMs = 2000;

export function createCluster(options: BridgeOptions, outage: () => Outage, leads: () => boolean): Cluster {
  const { api, connection, settings, signal, log } = options;
  const clock = options.time?.clock ?? systemClock;
  const other = Promise.withResolvers<never>();
  let uid: string | undefined;

  async function claim(own: string): Promise<void> {
    try {
      await claimStreams(connection, own, settings.takeOver ?? false);
    } catch (error) {
      if (error instanceof OtherClusterError) other.reject(error);
      throw error;
    }
  }

  async function claimWhileLeading(): Promise<boolean> {
    const own = uid;
    if (own === undefined) return false;
    while (leads()) {
      try {
        await claim(own);
        return true;
      } catch (error) {
        if (error instanceof OtherClusterError) return false;
        log.debug('the streams cannot be claimed yet; retrying', { error: explain(error) });
        await sleep(clock, retryMs, signal);
      }
    }
    return false;
  }

  // A server that lost its store gets new streams, which name no cluster.
  void (async () => {
    for await (const { type } of connection.status()) if (type === 'reconnect') void claimWhileLeading();
  })();

  return {
    async check() {
      while (!signal.aborted) {
        try {
          uid = await clusterUid(api, signal);
          outage().up('cluster');
          break;
        } catch (error) {
          if (signal.aborted) return;
          outage().down(
            'cluster',
            'waiting to read namespace kube-system, whose UID names the cluster: see bridge/rbac.yaml',
            error,
          );
          await sleep(clock, retryMs, signal);
        }
      }
      if (uid !== undefined && settings.takeOver !== true) await checkCluster(connection, uid);
    },
    claim: claimWhileLeading,
    other: other.promise,
  };
}
