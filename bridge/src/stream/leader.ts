import { explain, sleep, UsageError } from '@ifactor/common';
import type { Clock } from '@ifactor/common';
import { readStreamMetadata, writeStreamMetadata } from '@ifactor/common/nats';
import type { NatsConnection } from '@nats-io/transport-node';
import type { KubeApi, ObjectTarget } from '../kube/port.ts';
import { resources } from '../kube/resource.ts';

/** Key in the metadata of the desired stream: the Lease, `namespace/name`, of the bridges that write it. */
const leaseKey = 'ifactor-lease';

export type LeaderOptions = {
  connection: NatsConnection;
  api: Pick<KubeApi, 'get'>;
  /** The Lease of this bridge. */
  lease: Required<ObjectTarget> & { namespace: string };
  clock: Clock;
  signal: AbortSignal;
};

/** Bridges with another Lease write these streams: two would lead at once. */
export class OtherLeaseError extends UsageError {
  override name = 'OtherLeaseError';
}

const spell = ({ namespace, name }: LeaderOptions['lease']): string => `${namespace}/${name}`;

/**
 * Checks whether a bridge with another Lease leads for these streams now: whether it renews its Lease, by this bridge's own clock.
 * @throws OtherLeaseError if one does, or if that Lease cannot be read
 */
export async function checkLease({ connection, api, lease, clock, signal }: LeaderOptions): Promise<void> {
  const named = (await readStreamMetadata(connection))?.[leaseKey];
  if (named === undefined || named === spell(lease)) return;
  const [namespace = '', name = ''] = named.split('/');
  const refuse = (why: string, cause?: unknown): never => {
    throw new OtherLeaseError(
      `the streams are written by the bridge of Lease ${named}, and this one has the Lease ${spell(lease)}: ${why}; ` +
        `nothing was changed; give --lease-namespace ${namespace} to stand by for it, or --take-over if it is gone for good`,
      { cause },
    );
  };
  const read = (): ReturnType<typeof api.get> =>
    api
      .get(resources.leases, { namespace, name }, signal)
      .catch((cause: unknown) => refuse(`whether it leads cannot be read (${explain(cause)})`, cause));
  const before = await read();
  const { holderIdentity: holder, leaseDurationSeconds: seconds = 10 } = (before?.spec ?? {}) as {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
  };
  if (before === undefined || !holder) return;
  await sleep(clock, seconds * 1000, signal);
  if (signal.aborted) return;
  const after = await read();
  if (after?.metadata.resourceVersion !== before.metadata.resourceVersion) refuse(`${holder} leads`);
}

/** Call when this bridge leads: records its Lease. */
export async function claimLease(connection: NatsConnection, lease: LeaderOptions['lease']): Promise<void> {
  if ((await readStreamMetadata(connection))?.[leaseKey] === spell(lease)) return;
  await writeStreamMetadata(connection, { [leaseKey]: spell(lease) });
}
