import type { Clock } from '@ifactor/common';
import { sameJson } from '@ifactor/common/json';
import type { KubeObject } from '../kube/object.ts';
import type { KubeApi } from '../kube/port.ts';
import type { Recorder } from '../kube/recorder.ts';
import type { Resource } from '../kube/resource.ts';
import { setFinalizers, writeStatus } from '../kube/write.ts';
import type { OwnWrites } from '../view/change.ts';
import { noteOf } from './note.ts';
import type { WithConditions } from './status.ts';

/** Writes what the bridge keeps on an object: its status and its finalizers. */
export type ObjectWriter = {
  /**
   * Writes a status if it differs, at most once a second per object, and records a change of Ready as an Event.
   * @returns milliseconds after which to retry, if the object's last write was too recent
   */
  status(resource: Resource, object: KubeObject, status: WithConditions): Promise<number | undefined>;
  /**
   * Sets the finalizers of exactly the version read, once, whoever asks: resolves when they are stored.
   * @returns milliseconds after which to retry, if the object has changed since it was read
   */
  finalizers(resource: Resource, object: KubeObject, finalizers: readonly string[]): Promise<number | undefined>;
};

/** Minimum interval between two status writes of one object. */
const paceMs = 1000;

export function createObjectWriter(api: KubeApi, ownWrites: OwnWrites, recorder: Recorder, clock: Clock): ObjectWriter {
  return {
    async status(resource, object, status) {
      const last = ownWrites.of(object) ?? {};
      // The watch may not have returned the last write yet.
      if (sameJson(status, object.status ?? {}) && sameJson(status, last.status ?? status)) return undefined;
      const now = clock.monotonic();
      const waitMs = (last.statusAt ?? -Infinity) + paceMs - now;
      if (waitMs > 0) return waitMs;
      ownWrites.note(object, { status, statusAt: now });
      try {
        if (!(await writeStatus(api, resource, object, status))) return undefined;
      } catch (error) {
        ownWrites.note(object, { status: last.status });
        throw error;
      }
      const note = noteOf(last.status ?? object.status, status);
      if (note !== undefined) recorder.note(object, note);
      return undefined;
    },
    async finalizers(resource, object, finalizers) {
      const { resourceVersion } = object.metadata;
      let writing = ownWrites.of(object)?.finalizing;
      if (writing?.on !== resourceVersion) {
        writing = { on: resourceVersion, done: setFinalizers(api, resource, object, finalizers) };
        ownWrites.note(object, { finalizers, finalizing: writing });
      }
      try {
        return (await writing.done) ? undefined : paceMs;
      } catch (error) {
        if (ownWrites.of(object)?.finalizing === writing) ownWrites.note(object, { finalizing: undefined });
        throw error;
      }
    },
  };
}
