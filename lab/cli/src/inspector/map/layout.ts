import type { Graph } from './graph.ts';
import { place } from './placing.ts';
import type { ActorInfo, Rectangle, Topology } from '../protocol.ts';

/** Sizes in pixels of the page at scale 1; the page's style counts on room for names above what is in a box. */
const box = { width: 208, height: 28, gap: 8 };
const container = { top: 26, side: 8 };
const host = { top: 32, side: 12 };

type Size = Pick<Rectangle, 'width' | 'height'>;

/**
 * Gives everything a place: actors in columns in their container or host, hosts by ELK's layers so that few tunnels cross.
 * The same graph always gets the same layout.
 */
export async function layOut({ actors, links }: Graph): Promise<Topology> {
  const containers: Topology['containers'][number][] = [];
  const placed: Topology['actors'][number][] = [];
  const hosts = [...Map.groupBy(actors, ({ node }) => node)].map(([name, own]) => {
    let bottom = host.top;
    let width = box.width;
    const bare = own.filter((actor) => actor.container === null);
    const size = stack(bare, { x: host.side, y: bottom }, placed);
    if (bare.length > 0) bottom += size.height + box.gap;
    width = Math.max(width, size.width);
    for (const [inside, members] of Map.groupBy(own, (actor) => actor.container)) {
      if (inside === null) continue;
      const { width: wide, height } = stack(members, { x: container.side, y: container.top }, placed);
      const rectangle = {
        x: host.side,
        y: bottom,
        width: wide + 2 * container.side,
        height: height + container.top + container.side,
      };
      containers.push({ id: `${name} ${inside}`, node: name, name: inside, ...rectangle });
      bottom += rectangle.height + box.gap;
      width = Math.max(width, rectangle.width);
    }
    return { name, width: width + 2 * host.side, height: bottom - box.gap + host.side };
  });
  return { nodes: await spread(hosts, hostLinks({ actors, links })), containers, actors: placed, links };
}

/** Puts actors below each other, in more columns as they become many. */
function stack(
  actors: readonly ActorInfo[],
  corner: { x: number; y: number },
  placed: Topology['actors'][number][],
): Size {
  const columns = Math.max(1, Math.ceil(Math.sqrt(actors.length / 6)));
  const rows = Math.ceil(actors.length / columns);
  actors.forEach((actor, index) => {
    const x = corner.x + Math.floor(index / Math.max(1, rows)) * (box.width + box.gap);
    const y = corner.y + (index % Math.max(1, rows)) * (box.height + box.gap);
    placed.push({ ...actor, x, y, width: box.width, height: box.height });
  });
  return {
    width: columns * (box.width + box.gap) - box.gap,
    height: Math.max(0, rows * (box.height + box.gap) - box.gap),
  };
}

function hostLinks({ actors, links }: Graph): [string, string][] {
  const nodeOf = new Map(actors.map(({ id, node }) => [id, node]));
  const pairs = links.flatMap(({ from, to }) => {
    const ends = [nodeOf.get(from) ?? '', nodeOf.get(to) ?? ''].toSorted();
    return ends[0] === ends[1] ? [] : [JSON.stringify(ends)];
  });
  return [...new Set(pairs)].map((pair) => JSON.parse(pair) as [string, string]);
}

async function spread(hosts: (Size & { name: string })[], links: [string, string][]): Promise<Topology['nodes']> {
  if (hosts.length === 0) return [];
  const { children = [] } = await place({
    id: 'map',
    layoutOptions: {
      'elk.algorithm': 'layered',
      'elk.direction': 'RIGHT',
      'elk.aspectRatio': '1.6',
      'elk.spacing.nodeNode': '56',
      'elk.layered.spacing.nodeNodeBetweenLayers': '150',
      'elk.spacing.componentComponent': '56',
    },
    children: hosts.map(({ name, width, height }) => ({ id: `host ${name}`, width, height })),
    edges: links.map(([from, to]) => ({
      id: `link ${from} ${to}`,
      sources: [`host ${from}`],
      targets: [`host ${to}`],
    })),
  });
  return children.map(({ id, x = 0, y = 0, width = 0, height = 0 }) => ({
    name: id.slice('host '.length),
    x: Math.round(x),
    y: Math.round(y),
    width,
    height,
  }));
}
