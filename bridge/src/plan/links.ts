import { linkEnds } from '@ifactor/crds';
import type { PlanLinkEnd, PlanNode, WireGuardNetworkPlanSpec } from '@ifactor/crds';

/** One direction of a link: an interface on `from` whose peer is on `to`. */
export type Direction = { from: PlanNode; to: PlanNode; end: PlanLinkEnd };

/** What is wrong with one link; `reason` in CamelCase, `message` says what to do. */
export type Problem = { link: string; reason: string; message: string };

export function linkName(from: string, to: string): string {
  return `${from} → ${to}`;
}

export function directionKey(from: string, to: string): string {
  return `${from}/${to}`;
}

/** Both directions of every valid link, in a stable order; a direction that the spec leaves out is added. Pure. */
export function directionsOf(spec: WireGuardNetworkPlanSpec): {
  directions: Map<string, Direction>;
  problems: Problem[];
} {
  const nodes = new Map(spec.nodes.map((node) => [node.nodeName, node]));
  const directions = new Map<string, Direction>();
  const problems: Problem[] = [];
  for (const link of spec.links) {
    for (const end of linkEnds(link)) {
      const [from, to] = [nodes.get(link.fromNode), nodes.get(end.nodeName)];
      const bad = (reason: string, message: string): void => {
        problems.push({ link: linkName(link.fromNode, end.nodeName), reason, message });
      };
      if (from === undefined) bad('UnknownNode', `${link.fromNode} is not in nodes; add it there`);
      else if (to === undefined) bad('UnknownNode', `${end.nodeName} is not in nodes; add it there`);
      else if (from === to) bad('SelfLink', 'a node cannot have a link to itself; remove it');
      else if (directions.has(directionKey(from.nodeName, to.nodeName)))
        bad('DuplicateLink', 'listed more than once; only the first counts');
      else directions.set(directionKey(from.nodeName, to.nodeName), { from, to, end });
    }
  }
  for (const { from, to } of directions.values()) {
    const reverse = directionKey(to.nodeName, from.nodeName);
    if (directions.has(reverse)) continue;
    directions.set(reverse, {
      from: to,
      to: from,
      end: { nodeName: from.nodeName, addresses: [], overrideAddresses: false },
    });
  }
  return { directions, problems };
}
