import { FINALIZER, LEGACY_FINALIZERS } from '@ifactor/crds';
import type { StatusMessage } from '@ifactor/crds';
import type { NodeView } from '../view/nodes.ts';
import type { KubeObject, Metadata } from '../kube/object.ts';

/** The finalizers that the bridge removes: ifactor's and the old system's. All others stay. */
const known: readonly string[] = [FINALIZER, ...LEGACY_FINALIZERS];

export function isHeld({ finalizers = [] }: Metadata): boolean {
  return finalizers.some((finalizer) => known.includes(finalizer));
}

/** The finalizers an object should have, or undefined if no change is needed. */
export function withFinalizer(metadata: Metadata): string[] | undefined {
  if (metadata.deletionTimestamp !== undefined || isHeld(metadata)) return undefined;
  return [...(metadata.finalizers ?? []), FINALIZER];
}

export function withoutFinalizers({ finalizers = [] }: Metadata): string[] {
  return finalizers.filter((finalizer) => !known.includes(finalizer));
}

/**
 * Whether a deleted object may be removed: its agent reports that nothing of it is left in the kernel, or no agent has
 * registered that could have created anything. (An agent that starts later reads the tombstone and cleans up.)
 * @returns true, false, or the milliseconds after which to check again
 */
export function mayGo(object: KubeObject, said: StatusMessage | undefined, node: NodeView): boolean | number {
  if (object.metadata.deletionTimestamp === undefined) return false;
  if (said?.status.state === 'deleted') return true;
  if (said !== undefined || node.state !== 'unknown') return false;
  // Agents register again at every heartbeat: one that only lost its NATS entry does so within this time.
  return node.waitMs <= 0 ? true : node.waitMs;
}
