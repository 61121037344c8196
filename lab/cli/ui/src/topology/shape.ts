import type { ActorInfo, Rectangle, Topology } from '../../../src/inspector/protocol.ts';

type Actor = Rectangle & ActorInfo;
type Container = Topology['containers'][number];

/** A host with what it contains; positions are relative to the host. */
export type HostShape = Rectangle & { name: string; containers: readonly Container[]; actors: readonly Actor[] };

/** Where a link ends: the middle of an actor, and half its width; measured on the whole map. */
export type End = { x: number; y: number; half: number };

/** Sorts a topology by host, and finds where links end. */
export function mapShape({ nodes, containers, actors, links }: Topology): {
  hosts: HostShape[];
  links: {
    id: string;
    kind: Topology['links'][number]['kind'];
    from: End;
    to: End;
    hosts: [string, string];
    actors: [string, string];
  }[];
} {
  const inside = Map.groupBy(containers, ({ node }) => node);
  const owned = Map.groupBy(actors, ({ node }) => node);
  const byContainer = new Map(containers.map((container) => [`${container.node} ${container.name}`, container]));
  const corners = new Map(nodes.map((node) => [node.name, node]));
  const ends = new Map<string, End & { host: string }>();
  const hosts = nodes.map((node) => ({
    ...node,
    containers: inside.get(node.name) ?? [],
    actors: (owned.get(node.name) ?? []).map((actor) => {
      const corner = actor.container === null ? undefined : byContainer.get(`${actor.node} ${actor.container}`);
      return { ...actor, x: actor.x + (corner?.x ?? 0), y: actor.y + (corner?.y ?? 0) };
    }),
  }));
  for (const host of hosts) {
    const corner = corners.get(host.name);
    for (const { id, x, y, width, height } of host.actors) {
      ends.set(id, {
        host: host.name,
        x: (corner?.x ?? 0) + x + width / 2,
        y: (corner?.y ?? 0) + y + height / 2,
        half: width / 2,
      });
    }
  }
  return {
    hosts,
    links: links.flatMap(({ id, kind, from, to }) => {
      const [a, b] = [ends.get(from), ends.get(to)];
      return a && b
        ? [
            {
              id,
              kind,
              from: a,
              to: b,
              hosts: [a.host, b.host] as [string, string],
              actors: [from, to] as [string, string],
            },
          ]
        : [];
    }),
  };
}

const round = (value: number): number => Math.round(value * 10) / 10;

/**
 * A gently bent way between two ends, leaving each at the side that faces the other.
 * @param t where on the way `middle` is, from 0 to 1
 */
export function way(from: End, to: End, t = 0.5): { path: string; middle: { x: number; y: number } } {
  const side = (a: End, b: End): number => (Math.abs(b.x - a.x) < a.half ? 0 : Math.sign(b.x - a.x) * a.half);
  const [ax, bx] = [from.x + side(from, to), to.x + side(to, from)];
  const [dx, dy] = [bx - ax, to.y - from.y];
  const control = { x: (ax + bx) / 2 - dy * 0.08, y: (from.y + to.y) / 2 + dx * 0.08 };
  const along = (a: number, b: number, c: number): number => (1 - t) ** 2 * a + 2 * t * (1 - t) * b + t ** 2 * c;
  return {
    path: `M${round(ax)} ${round(from.y)}Q${round(control.x)} ${round(control.y)} ${round(bx)} ${round(to.y)}`,
    middle: { x: round(along(ax, control.x, bx)), y: round(along(from.y, control.y, to.y)) },
  };
}
