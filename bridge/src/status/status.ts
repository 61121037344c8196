import { ConditionSchema, InterfaceStatusSchema, StatusMessageSchema } from '@ifactor/crds';
import type { Condition, InterfaceStatus, StatusMessage } from '@ifactor/crds';
import { isRecord, without } from '@ifactor/common/json';
import type { KubeObject } from '../kube/object.ts';
import type { NodeView } from '../view/nodes.ts';
import type { Entry } from '../stream/follower.ts';

/** The `StatusMessage` in an entry of IFACTOR_STATUS, undefined where it is none. */
export function readStatus(entry: Entry): StatusMessage | undefined {
  try {
    return StatusMessageSchema.safeParse(JSON.parse(entry.body)).data;
  } catch {
    return undefined;
  }
}

/**
 * The status that an object should show: what its agent said of this very object (by uid), and over it what the bridge
 * knows better: that there is no such agent, that it fell silent, or cannot decide anything. Pure.
 *
 * @param refused why the object cannot even be passed on
 */
export function wantedStatus(
  object: KubeObject,
  said: StatusMessage | undefined,
  node: NodeView,
  refused: string | undefined,
  now: Date,
): InterfaceStatus | undefined {
  const current = readCurrent(object);
  const ours = (status: Condition['status'], reason: string, message: string): Condition[] => [
    ready(current, { status, reason, message, observedGeneration: object.metadata.generation ?? 0 }, now),
  ];
  if (refused !== undefined) return { conditions: ours('False', 'InvalidSpec', refused) };
  const name = isRecord(object.spec) ? String(object.spec['node']) : '';
  const base = said?.status;
  switch (node.state) {
    case 'unknown':
      return {
        ...base,
        conditions: ours(
          'Unknown',
          'NodeUnknown',
          `no agent of node ${name} has registered; start one there: ifactor-agent --node ${name}`,
        ),
      };
    case 'unreachable':
      return {
        ...(base ?? withoutConditions(current)),
        conditions: ours(
          'Unknown',
          'NodeUnreachable',
          `the agent of node ${name} has not been heard since ${new Date(node.seen).toISOString()}; see whether ifactor-agent runs there and reaches NATS`,
        ),
      };
    case 'reachable':
      if (node.entry.trouble?.parked === true) {
        return {
          ...(base ?? withoutConditions(current)),
          conditions: ours(
            'Unknown',
            'NodeParked',
            `the agent of node ${name} decides nothing: ${node.entry.trouble.message}`,
          ),
        };
      }
      if (base !== undefined) return base;
      // Nothing is known yet: only what the bridge itself had said of the node is taken back.
      if (!stale(current)) return current;
      return {
        ...withoutConditions(current),
        conditions: ours('Unknown', 'Pending', `handed to the agent of node ${name}`),
      };
  }
}

/** The object's status where it is one of ours; what is malformed counts as none. */
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
    ['NodeUnknown', 'NodeUnreachable', 'NodeParked', 'InvalidSpec'].includes(condition.reason)
  );
}

export type WithConditions = { conditions?: readonly Condition[] | undefined };

export function readyOf(status: WithConditions | undefined): Condition | undefined {
  return status?.conditions?.find(({ type }) => type === 'Ready');
}

/** A Ready condition whose transition time only moves when its status does. */
export function ready(
  before: WithConditions | undefined,
  condition: Omit<Condition, 'type' | 'lastTransitionTime'>,
  now: Date,
): Condition {
  const last = readyOf(before);
  const lastTransitionTime = last?.status === condition.status ? last.lastTransitionTime : now.toISOString();
  return ConditionSchema.parse({ type: 'Ready', ...condition, lastTransitionTime });
}
