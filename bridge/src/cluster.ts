import { explain, sleep, systemClock } from '@ifactor/common';
import type { BridgeOptions } from './bridge.ts';
import { OtherClusterError, checkCluster, claimStreams, clusterUid } from './stream/cluster.ts';
import { checkLease, claimLease } from './stream/leader.ts';
import type { Outage } from './view/outage.ts';

/** Binds the streams to one cluster, and to the bridges of one Lease. */
export type Cluster = {
  /** Waits for the cluster's identity. @throws OtherClusterError, OtherLeaseError if the streams belong to another cluster or Lease */
  check(): Promise<void>;
  /**
   * Call when this bridge leads: records the cluster in streams that record none. Resolves to the cluster's UID, to undefined if the
   * bridge may not write to them.
   */
  claim(): Promise<string | undefined>;
  /** Rejects with OtherClusterError if a later check finds another cluster. */
  readonly other: Promise<never>;
};

const retryMs = 2000;

/** The Lease that bridges with these settings contend for. */
export const leaseOf = ({ leaseNamespace }: BridgeOptions['settings']): { namespace: string; name: string } => ({
  namespace: leaseNamespace,
  name: 'ifactor-bridge',
});

export function createCluster(options: BridgeOptions, outage: () => Outage, leads: () => boolean): Cluster {
  const { api, connection, settings, signal, log } = options;
  const clock = options.time?.clock ?? systemClock;
  const other = Promise.withResolvers<never>();
  const lease = leaseOf(settings);
  let uid: string | undefined;

  async function claim(own: string): Promise<void> {
    try {
      await claimStreams(connection, own, settings.takeOver ?? false);
      await claimLease(connection, lease);
    } catch (error) {
      if (error instanceof OtherClusterError) other.reject(error);
      throw error;
    }
  }

  async function claimWhileLeading(): Promise<string | undefined> {
    const own = uid;
    if (own === undefined) return undefined;
    while (leads()) {
      try {
        await claim(own);
        return own;
      } catch (error) {
        if (error instanceof OtherClusterError) return undefined;
        log.debug('the streams cannot be claimed yet; retrying', { error: explain(error) });
        await sleep(clock, retryMs, signal);
      }
    }
    return undefined;
  }

  // A server that lost its store gets new streams, which record no cluster.
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
      if (uid === undefined || settings.takeOver === true) return;
      await checkCluster(connection, uid);
      await checkLease({ connection, api, lease, clock, signal });
    },
    claim: claimWhileLeading,
    other: other.promise,
  };
}
