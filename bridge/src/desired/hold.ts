import { every, explain } from '@ifactor/common';
import type { Clock, Log } from '@ifactor/common';
import type { KubeObject } from '../kube/object.ts';
import type { KubeApi } from '../kube/port.ts';
import type { Recorder } from '../kube/recorder.ts';
import { resources } from '../kube/resource.ts';
import type { Brake } from './brake.ts';

/** On the Lease: how many tombstones the bridge holds back. */
const heldAnnotation = 'networking.dn42.io/held';
/** On the Lease: how many tombstones an operator accepts. */
const releaseAnnotation = 'networking.dn42.io/release';

export type HoldOptions = {
  api: Pick<KubeApi, 'get' | 'merge'>;
  /** The Lease of the bridges. */
  lease: { namespace: string; name: string };
  recorder: Pick<Recorder, 'note'>;
  clock: Clock;
  log: Log;
};

/** Reports that tombstones are held back, and checks for an operator's release. */
export type Hold = {
  begin(brake: Pick<Brake, 'waiting' | 'release'>, limit: number): void;
  stop(): void;
};

/** How often the Lease is checked while tombstones are held back. */
const lookEveryMs = 2000;

export function createHold({ api, lease, recorder, clock, log }: HoldOptions): Hold {
  let stopLooking: (() => void) | undefined;
  let said = '';

  async function look(brake: Pick<Brake, 'waiting' | 'release'>, limit: number): Promise<void> {
    const object = await api.get(resources.leases, lease);
    if (object === undefined) return;
    const { waiting } = brake;
    const accepted = object.metadata.annotations?.[releaseAnnotation];
    if (accepted !== undefined) {
      const released = brake.release(Number(accepted));
      if (released > 0) log.warn('tombstones released by hand', { released });
      else log.warn('release ignored: more tombstones wait than it names', { waiting, release: accepted });
    }
    if (brake.waiting === 0) stop();
    else say(object, brake.waiting, limit);
    const held = brake.waiting === 0 ? null : String(brake.waiting);
    const { annotations = {} } = object.metadata;
    if (accepted === undefined && (annotations[heldAnnotation] ?? null) === held) return;
    await api.merge(resources.leases, lease, {
      metadata: { annotations: { [heldAnnotation]: held, [releaseAnnotation]: null } },
    });
  }

  function say(object: KubeObject, waiting: number, limit: number): void {
    const message =
      `${waiting} interfaces are missing from the API server's lists without a deletion event; more than ${limit} ` +
      `within 60 s are not removed automatically: check the cluster and its CRDs, then run: ifactor bridge release`;
    if (said === message) return;
    said = message;
    log.warn(message, { held: waiting, limit });
    recorder.note(object, { type: 'Warning', reason: 'TombstonesHeld', message });
  }

  function stop(): void {
    stopLooking?.();
    stopLooking = undefined;
    said = '';
  }

  return {
    begin(brake, limit) {
      if (stopLooking !== undefined) return;
      const tryLook = (): void => {
        look(brake, limit).catch((error: unknown) =>
          log.debug('the Lease could not be read or annotated', { error: explain(error) }),
        );
      };
      stopLooking = every(clock, lookEveryMs, tryLook);
      tryLook();
    },
    stop,
  };
}

/**
 * Accepts the tombstones that a bridge holds back now.
 * @param count accept them only where no more than this many wait
 * @returns how many were accepted; 0 where none wait
 */
export async function releaseHeld(
  api: Pick<KubeApi, 'get' | 'merge'>,
  lease: { namespace: string; name: string },
  count?: number,
): Promise<number> {
  const object = await api.get(resources.leases, lease);
  const held = Number(object?.metadata.annotations?.[heldAnnotation] ?? 0);
  if (held === 0) return 0;
  const accepted = count ?? held;
  await api.merge(resources.leases, lease, { metadata: { annotations: { [releaseAnnotation]: String(accepted) } } });
  return accepted;
}
