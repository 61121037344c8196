import { sameJson } from '@ifactor/common/json';
import type { KubeObject } from '../kube/object.ts';
import type { Change } from '../kube/reflector.ts';

/** What the bridge wrote last to an object: a whole status, at some monotonic time, and the finalizers. */
export type OwnWrite = {
  status?: unknown;
  statusAt?: number;
  finalizers?: readonly string[];
  /** To which resourceVersion the finalizers were written; `done`: false if there is a newer one. */
  finalizing?: { on: string; done: Promise<boolean> } | undefined;
};

/** Writes by the bridge, by the object's uid, recorded before they are sent: the watch may be faster than the response. */
export type OwnWrites = {
  note(object: KubeObject, write: OwnWrite): void;
  of(object: KubeObject): OwnWrite | undefined;
  /** The object was deleted. */
  forget(object: KubeObject): void;
};

export function createOwnWrites(): OwnWrites {
  const byUid = new Map<string, OwnWrite>();
  return {
    note({ metadata: { uid } }, write) {
      byUid.set(uid, { ...byUid.get(uid), ...write });
    },
    of: ({ metadata: { uid } }) => byUid.get(uid),
    forget: ({ metadata: { uid } }) => void byUid.delete(uid),
  };
}

/**
 * What a change of an object requires: `spec` if the desired state may have changed; `status` if only the fields that the
 * bridge keeps (status, finalizers) changed, by another client; `none` if this bridge wrote the change. Pure.
 */
export function changeOf(
  { object, before }: Pick<Change, 'object' | 'before'>,
  own: OwnWrite = {},
): 'spec' | 'status' | 'none' {
  if (object === undefined || before === undefined || object.metadata.uid !== before.metadata.uid) return 'spec';
  if (!sameJson(wantedPart(object), wantedPart(before))) return 'spec';
  const finalizers = object.metadata.finalizers ?? [];
  if (!sameJson(finalizers, before.metadata.finalizers ?? []) && !sameJson(finalizers, own.finalizers)) return 'status';
  if (!sameJson(object.status, before.status) && !sameJson(object.status, own.status)) return 'status';
  return 'none';
}

function wantedPart(object: KubeObject): object {
  const { metadata, status: _status, ...rest } = object;
  return { ...rest, metadata: { ...metadata, resourceVersion: '', finalizers: [], managedFields: [] } };
}
