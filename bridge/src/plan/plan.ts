import type { SecretRef, WireGuardNetworkPlanSpec } from '@ifactor/crds';
import { allocate } from './allocate.ts';
import type { Allocation, Taken } from './allocate.ts';
import { childOf } from './child.ts';
import type { Child, Parent } from './child.ts';
import { directionKey, directionsOf, linkName } from './links.ts';
import type { Problem } from './links.ts';

/** Source of a node's key, if set: the Secret, and the public key once the Secret could be read. */
export type GivenKey = { ref: SecretRef; publicKey: string | undefined };

export type PlanInput = {
  parent: Parent;
  spec: WireGuardNetworkPlanSpec;
  /** `status.allocations` of the plan. */
  previous: readonly Allocation[];
  /** By node; a node without an entry generates its keys. */
  given: ReadonlyMap<string, GivenKey>;
  /** Public keys that agents reported, now or earlier, by name of the child. */
  reported: ReadonlyMap<string, string>;
  taken: Taken;
};

export type Planned = {
  children: Child[];
  allocations: Allocation[];
  problems: Problem[];
  /** Known public key of each child, by name; kept while an agent does not report it, so that tunnels stay up. */
  publicKeys: Map<string, string>;
  /** Directions whose far end's public key is not known yet. */
  keyless: string[];
};

/** The result of expanding a plan. Pure: the same input always gives the same children. */
export function plan({ parent, spec, previous, given, reported, taken }: PlanInput): Planned {
  const { directions, problems } = directionsOf(spec);
  const { allocations, blocked, problems: unplaced } = allocate(spec, directions, previous, taken);
  const children: Child[] = [];
  const keyless: string[] = [];
  const publicKeys = new Map<string, string>();
  for (const { fromNode, name } of allocations.values()) {
    const publicKey = given.get(fromNode)?.publicKey ?? reported.get(name);
    if (publicKey !== undefined) publicKeys.set(name, publicKey);
  }
  for (const [key, near] of allocations) {
    const direction = directions.get(key);
    const back = directionKey(near.toNode, near.fromNode);
    const far = allocations.get(back);
    // A link is configured in both directions or not at all; the far end's problem is already reported.
    if (direction === undefined || far === undefined || blocked.has(key) || blocked.has(back)) continue;
    const farKey = publicKeys.get(far.name);
    if (farKey === undefined) keyless.push(linkName(near.fromNode, near.toNode));
    children.push(childOf(parent, direction, near, far, farKey, given.get(near.fromNode)?.ref, spec));
  }
  return {
    children,
    allocations: [...allocations.values()],
    problems: [...problems, ...unplaced],
    publicKeys,
    keyless,
  };
}
