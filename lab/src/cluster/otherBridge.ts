import { UsageError } from '@ifactor/common';

/** A Lease as `kubectl get leases -o json` prints it. */
export type BridgeLease = {
  metadata: { name: string; namespace: string };
  spec?: { holderIdentity?: string; leaseDurationSeconds?: number; renewTime?: string };
};

/** The leases cannot be read, so it is unknown whether another bridge is the leader. */
export class LeasesUnreadable extends UsageError {
  override name = 'LeasesUnreadable';

  constructor(kubeconfig: string, why: string) {
    super(
      `cannot read the Leases of the cluster of ${kubeconfig}, which would tell whether a bridge serves it already (${why}): allow this user to list leases.coordination.k8s.io, or give --force if no bridge runs there`,
    );
  }
}

/** A bridge renews its Lease five times within its duration; clocks of two machines may differ by this much. */
const clockDifferenceMs = 30_000;

/** The Lease of a bridge that leads now, in whatever namespace it is. */
export function leadingBridge(leases: readonly BridgeLease[], now: number): BridgeLease | undefined {
  return leases.find(({ metadata, spec }) => {
    if (metadata.name !== 'ifactor-bridge' || !spec?.holderIdentity) return false;
    const renewed = Date.parse(spec.renewTime ?? '');
    return now - renewed < (spec.leaseDurationSeconds ?? 10) * 1000 + clockDifferenceMs;
  });
}

/**
 * Two bridges with separate NATS servers would both write the same objects, each with the status from its own agents.
 * @throws UsageError where a bridge serves the cluster
 */
export function assertNoBridge(leases: readonly BridgeLease[], kubeconfig: string, now: number): void {
  const lease = leadingBridge(leases, now);
  if (lease === undefined) return;
  const { namespace } = lease.metadata;
  throw new UsageError(
    `a bridge (${lease.spec?.holderIdentity}, Lease ${namespace}/ifactor-bridge) already serves the cluster of ${kubeconfig}, and a lab brings its own: stop that bridge first, or give another cluster`,
  );
}
