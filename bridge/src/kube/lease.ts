import { sleep, timestamp } from '@ifactor/common';
import type { Clock } from '@ifactor/common';
import { without } from '@ifactor/common/json';
import type { Outage } from '../view/outage.ts';
import { answered } from './error.ts';
import type { KubeObject } from './object.ts';
import type { KubeApi } from './port.ts';
import { resources } from './resource.ts';

type LeaseSpec = {
  holderIdentity?: string;
  leaseDurationSeconds?: number;
  acquireTime?: string;
  renewTime?: string;
  leaseTransitions?: number;
};

export type LeaseOptions = {
  api: KubeApi;
  /** Name of the lease, identity of this holder, and duration in seconds: 10 by default. */
  lease: { namespace: string; name: string; identity: string; seconds?: number };
  /** Called while the lease cannot be read or written. */
  outage: Outage;
  clock: Clock;
  signal: AbortSignal;
  handlers: LeaseHandlers;
};

export type LeaseHandlers = {
  /** The lease was acquired; called again after each loss. */
  onLead(): void;
  /** The lease was lost; no write may follow. */
  onLost(): void | Promise<void>;
  /** Another bridge leads; called once for each new holder. */
  onStandBy(holder: string): void;
};

export type Lease = {
  /** True only while no other bridge can have taken over, even if the process was stopped meanwhile: checked before each write. */
  holds(): boolean;
  /** Resolves after the signal was aborted and the lease, if held, was released. */
  readonly stopped: Promise<void>;
  /** Call when all work in flight has ended, so that a successor need not wait for the lease to expire. */
  release(): Promise<void>;
};

/**
 * Leader election by a coordination Lease. A holder that cannot renew stops at two thirds of the duration; another one takes
 * over only after it has seen the lease unchanged for a whole duration by its own clock, so that clocks need not agree.
 * Time that passes while the process is stopped counts: by the monotonic clock, and, for a machine that was suspended
 * together with it, by the wall clock.
 */
export function holdLease({ api, lease, outage, clock, signal, handlers }: LeaseOptions): Lease {
  const { namespace, name, identity, seconds = 10 } = lease;
  const duration = seconds * 1000;
  const validMs = (duration * 2) / 3;
  const requestTimeoutMs = Math.ceil(duration / 3);
  let seen: { version: string; at: number; duration: number } | undefined;
  let held: KubeObject | undefined;
  let renewed = { monotonic: -Infinity, wall: -Infinity };
  let leading = false;
  let announced: string | undefined;

  const moment = () => ({ monotonic: clock.monotonic(), wall: clock.now() });
  const isValid = (): boolean =>
    clock.monotonic() - renewed.monotonic < validMs && clock.now() - renewed.wall < validMs;
  const holds = (): boolean => leading && isValid();

  async function attempt(): Promise<void> {
    const asked = moment();
    const found = held ?? (await read());
    held = undefined;
    const spec = (found?.spec ?? {}) as LeaseSpec;
    const holder = spec.holderIdentity ?? '';
    if (found !== undefined && holder !== '' && holder !== identity && !expired(found, spec)) {
      if (announced !== holder) handlers.onStandBy(holder);
      announced = holder;
      return;
    }
    const now = timestamp(clock).replace('Z', '000Z');
    const mine: LeaseSpec = {
      holderIdentity: identity,
      leaseDurationSeconds: seconds,
      acquireTime: leading ? (spec.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: (spec.leaseTransitions ?? 0) + (holder === identity ? 0 : 1),
    };
    held = await write(found, mine);
    if (held === undefined) return;
    renewed = asked;
    announced = undefined;
    if (leading) return;
    leading = true;
    handlers.onLead();
  }

  /** Whether the lease has not changed for its whole duration while this bridge watched it. */
  function expired(found: KubeObject, spec: LeaseSpec): boolean {
    const version = found.metadata.resourceVersion;
    if (seen?.version !== version)
      seen = { version, at: clock.monotonic(), duration: (spec.leaseDurationSeconds ?? seconds) * 1000 };
    return clock.monotonic() - seen.at > seen.duration;
  }

  function read(): Promise<KubeObject | undefined> {
    return api.get(resources.leases, { namespace, name }, AbortSignal.timeout(requestTimeoutMs));
  }

  /** @returns undefined if another bridge was faster */
  async function write(found: KubeObject | undefined, spec: LeaseSpec): Promise<KubeObject | undefined> {
    const wanted = { metadata: found?.metadata ?? { name, namespace }, spec };
    const limited = { signal: AbortSignal.timeout(requestTimeoutMs) };
    try {
      if (found === undefined) return await api.create(resources.leases, wanted, limited);
      return await api.replace(resources.leases, wanted, limited);
    } catch (error) {
      if (!answered(error, 404, 409)) throw error;
      return undefined;
    }
  }

  async function lose(): Promise<void> {
    if (!leading || isValid()) return;
    leading = false;
    await handlers.onLost();
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        await attempt();
        outage.up('lease');
      } catch (error) {
        if (!signal.aborted) outage.down('lease', `waiting for the lease ${namespace}/${name}`, error);
      }
      await lose();
      await sleep(clock, leading ? duration / 5 : Math.min(duration / 5, 1000), signal);
    }
  }

  const stopped = run();
  return {
    holds,
    stopped,
    async release() {
      await stopped;
      if (!holds()) return;
      leading = false;
      const found = await read().catch(() => undefined);
      const spec = found?.spec as LeaseSpec | undefined;
      if (spec?.holderIdentity !== identity) return;
      // No holder: an empty name is not valid.
      // Best effort: if this write fails, the lease expires.
      await write(found, { ...without(spec, 'holderIdentity'), leaseDurationSeconds: 1 }).catch(() => undefined);
    },
  };
}
