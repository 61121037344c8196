import { ConditionSchema, InterfaceStatusSchema, StatusMessageSchema } from '@ifactor/crds';
import type { Condition, InterfaceStatus, StatusMessage } from '@ifactor/crds';
import { isRecord, without } from '@ifactor/common/json';
import type { KubeObject } from '../kube/object.ts';
import { graceMilliseconds } from '../view/nodes.ts';
import type { NodeView } from '../view/nodes.ts';
import type { Entry } from '../stream/follower.ts';

/** The `StatusMessage` in an entry of IFACTOR_STATUS, undefined if it is malformed. */
export function readStatus(entry: Entry): StatusMessage | undefined {
  try {
    return StatusMessageSchema.safeParse(JSON.parse(entry.body)).data;
  } catch {
    return undefined;
  }
}

/**
 * The status that an object should show: what its agent reported for exactly this object (by uid), overridden by what the
 * bridge knows better: no such agent exists, it sends no heartbeats, or it cannot decide anything. Pure.
 *
 * @param refused why the object cannot be published at all
 */
export function wantedStatus(
  object: KubeObject,
  said: StatusMessage | undefined,
  node: NodeView,
  refused: string | undefined,
  now: Date,
): InterfaceStatus | undefined {
  const current = readCurrent(object);
  const observedGeneration = object.metadata.generation ?? 0;
  const ours = (
    rest: InterfaceStatus,
    status: Condition['status'],
    reason: string,
    message: string,
  ): InterfaceStatus => ({
    observedGeneration,
    ...rest,
    conditions: [ready(current, { status, reason, message, observedGeneration }, now)],
  });
  if (refused !== undefined) return ours({}, 'False', 'InvalidSpec', refused);
  const name = isRecord(object.spec) ? String(object.spec['node']) : '';
  const base = said?.status;
  const kept = base ?? withoutConditions(current);
  const deleting = object.metadata.deletionTimestamp !== undefined;
  switch (node.state) {
    case 'unknown':
      return ours(base ?? {}, 'Unknown', 'NodeUnknown', unknownNode(name, node, deleting));
    case 'unreachable':
      return ours(kept, 'Unknown', 'NodeUnreachable', silentNode(name, node.seen, deleting));
    case 'unheard': {
      const since = new Date(node.since).toISOString();
      const message = `NATS has not answered the bridge since ${since}, so the state of node ${name} is unknown: check the NATS servers`;
      return ours(kept, 'Unknown', 'NatsUnreachable', message);
    }
    case 'full':
      return ours(kept, 'Unknown', 'NatsFull', node.message);
    case 'rekeyed':
      return ours(kept, 'Unknown', 'SealKeyChanged', node.message);
    case 'reachable':
      if (node.entry.trouble?.parked === true) {
        const message = `the agent of node ${name} has stopped making changes: ${node.entry.trouble.message}`;
        return ours(kept, 'Unknown', 'NodeParked', message);
      }
      if (base !== undefined) return base;
      // Nothing is known yet: remove only the conditions that the bridge itself had set about the node.
      if (!stale(current)) return current;
      return ours(withoutConditions(current), 'Unknown', 'Pending', `sent to the agent of node ${name}`);
  }
}

function unknownNode(name: string, { waitMs, similar }: NodeView & { state: 'unknown' }, deleting: boolean): string {
  if (deleting && waitMs > 0)
    return `deletion waits ${graceMilliseconds / 1000} s for an agent of node ${name}: the list of nodes was recreated, and a running agent registers again`;
  const meant = similar === undefined ? '' : ` (did you mean node ${similar}?)`;
  return `no agent of node ${name} has registered${meant}; start one there: ifactor-agent --node ${name}`;
}

function silentNode(name: string, seen: number, deleting: boolean): string {
  const since = `no heartbeat from node ${name} since ${new Date(seen).toISOString()}`;
  return deleting
    ? `${since}; deletion waits for its agent; if the node is gone for good: ifactor node forget ${name}`
    : `${since}; check that ifactor-agent runs there and that it reaches NATS`;
}

/** The object's status if it is a valid one of ours; a malformed one counts as absent. */
function readCurrent(object: KubeObject): InterfaceStatus | undefined {
  return InterfaceStatusSchema.safeParse(object.status ?? {}).data;
}

function withoutConditions(status: InterfaceStatus | undefined): InterfaceStatus {
  return without(status ?? {}, 'conditions');
}

function stale(status: InterfaceStatus | undefined): boolean {
  const condition = readyOf(status);
  return (
    condition === undefined ||
    [
      'NodeUnknown',
      'NodeUnreachable',
      'NatsUnreachable',
      'NatsFull',
      'NodeParked',
      'SealKeyChanged',
      'InvalidSpec',
    ].includes(condition.reason)
  );
}

export type WithConditions = { conditions?: readonly Condition[] | undefined };

export function readyOf(status: WithConditions | undefined): Condition | undefined {
  return status?.conditions?.find(({ type }) => type === 'Ready');
}

/** A Ready condition whose transition time changes only with its status. */
export function ready(
  before: WithConditions | undefined,
  condition: Omit<Condition, 'type' | 'lastTransitionTime'>,
  now: Date,
): Condition {
  const last = readyOf(before);
  const lastTransitionTime = last?.status === condition.status ? last.lastTransitionTime : now.toISOString();
  return ConditionSchema.parse({ type: 'Ready', ...condition, lastTransitionTime });
}
