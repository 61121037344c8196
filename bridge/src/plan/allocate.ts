import { createHash } from 'node:crypto';
import type { PlanNode, PortRange, WireGuardNetworkPlanSpec } from '@ifactor/crds';
import { directionKey, linkName } from './links.ts';
import type { Direction, Problem } from './links.ts';

/** Number, name and port allocated to one direction; as in the plan's `status.allocations`. */
export type Allocation = {
  fromNode: string;
  toNode: string;
  index: number;
  name: string;
  listenPort?: number | undefined;
};

/** Names and ports in use by others on a node or in the namespace. */
export type Taken = { port(node: string, port: number): boolean; name(name: string): boolean };

/**
 * Allocates number, name and port for each direction. Allocations in `previous` are kept while the link exists and its
 * port is within the range, so that other changes never rename, renumber or change the port of a link. Pure.
 * Directions that cannot be configured are in `blocked`, by key; they keep their allocation.
 */
export function allocate(
  spec: WireGuardNetworkPlanSpec,
  directions: ReadonlyMap<string, Direction>,
  previous: readonly Allocation[],
  taken: Taken,
): { allocations: Map<string, Allocation>; blocked: Set<string>; problems: Problem[] } {
  const blocked = new Set<string>();
  const allocations = new Map<string, Allocation>();
  const problems: Problem[] = [];
  const kept = new Map(
    previous
      .filter(({ fromNode, toNode }) => directions.has(directionKey(fromNode, toNode)))
      .map((one) => [directionKey(one.fromNode, one.toNode), one]),
  );
  const names = new Set([...kept.values()].map(({ name }) => name));
  const byNode = Map.groupBy(directions.values(), ({ from }) => from);
  for (const [node, own] of byNode) {
    const sorted = own.toSorted((a, b) => (a.to.nodeName < b.to.nodeName ? -1 : 1));
    const old = sorted.flatMap(({ to }) => kept.get(directionKey(node.nodeName, to.nodeName)) ?? []);
    const indexes = new Set(old.map(({ index }) => index));
    const range = node.underlay?.portRange ?? spec.defaultPortRange;
    const ports = new Set(old.flatMap(({ listenPort }) => (within(range, listenPort) ? [listenPort] : [])));
    for (const [position, { to }] of sorted.entries()) {
      const key = directionKey(node.nodeName, to.nodeName);
      const link = linkName(node.nodeName, to.nodeName);
      const before = kept.get(key);
      const index = before?.index ?? firstFree(position, indexes);
      indexes.add(index);
      const name = before?.name ?? childName(node.nodeName, to.nodeName, index, names);
      names.add(name);
      if (taken.name(name)) {
        problems.push({
          link,
          reason: 'NameTaken',
          message: `a WireGuardInterface ${name} that is not this plan's exists; delete or rename it`,
        });
        blocked.add(key);
      }
      const port = within(range, before?.listenPort) ? before?.listenPort : freePort(node, range, index, ports, taken);
      if (port !== undefined) ports.add(port);
      if (port === undefined && node.underlay !== undefined) {
        problems.push({ link, ...noPort(node, range) });
        blocked.add(key);
      }
      allocations.set(key, {
        fromNode: node.nodeName,
        toNode: to.nodeName,
        index,
        name,
        ...(port !== undefined && { listenPort: port }),
      });
    }
  }
  return { allocations, blocked, problems };
}

function within(range: PortRange | undefined, port: number | undefined): port is number {
  return port !== undefined && range !== undefined && port >= range.start && port <= range.end;
}

/** The requested number, or the lowest free one if it is taken. */
function firstFree(wanted: number, used: ReadonlySet<number>): number {
  if (!used.has(wanted)) return wanted;
  let index = 0;
  while (used.has(index)) index++;
  return index;
}

/** `start + index` if that is free, else the lowest free port of the range. */
function freePort(
  node: PlanNode,
  range: PortRange | undefined,
  index: number,
  used: ReadonlySet<number>,
  taken: Taken,
): number | undefined {
  if (range === undefined) return undefined;
  const free = (port: number): boolean => port <= range.end && !used.has(port) && !taken.port(node.nodeName, port);
  if (free(range.start + index)) return range.start + index;
  for (let port = range.start; port <= range.end; port++) if (free(port)) return port;
  return undefined;
}

function noPort(node: PlanNode, range: PortRange | undefined): Omit<Problem, 'link'> {
  if (range === undefined) {
    return {
      reason: 'NoPortRange',
      message: `${node.nodeName} has an underlay but no ports; set its underlay.portRange or defaultPortRange`,
    };
  }
  return {
    reason: 'PortRangeExhausted',
    message: `no port from ${range.start} to ${range.end} is free on ${node.nodeName}; widen the range`,
  };
}

export function fullName(from: string, to: string, index: number): string {
  return `wg-${from}-${to}-${index}`;
}

/** `wg-<from>-<to>-<index>`, or where that is over the kernel's 15 bytes or means another link too, `wg-` and a hash of it. */
function childName(from: string, to: string, index: number, used: ReadonlySet<string>): string {
  const whole = fullName(from, to, index);
  if (whole.length <= 15 && !used.has(whole)) return whole;
  return `wg-${createHash('sha256').update(`${from}/${to}/${index}`).digest('hex').slice(0, 12)}`;
}
