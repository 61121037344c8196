import { useEffect, useMemo, useRef } from 'react';
import type { ReactElement } from 'react';
import { Controls, ReactFlow, ReactFlowProvider, useReactFlow, useStore } from '@xyflow/react';
import '@xyflow/react/dist/base.css';
import { useShown } from '../session.ts';
import { far, FarLinks } from './far.tsx';
import { HostBox } from './host.tsx';
import type { HostNode } from './host.tsx';
import { Joint, Tunnel } from './links.tsx';
import type { LinkEdge } from './links.tsx';
import { mapShape } from './shape.ts';
import './map.css';

const nodeTypes = { host: HostBox };
const edgeTypes = { tunnel: Tunnel, joint: Joint };

const none: LinkEdge[] = [];

const still = (): boolean => matchMedia('(prefers-reduced-motion: reduce)').matches;

/** Hosts, containers, actors and the links between them, at the positions that the server computed. */
export default function TopologyMap(): ReactElement {
  return (
    <ReactFlowProvider>
      <Flow />
    </ReactFlowProvider>
  );
}

function Flow(): ReactElement {
  const topology = useShown((shown) => shown.topology);
  const flow = useReactFlow();
  const small = useStore(far);
  const moved = useRef(false);
  const box = useRef<HTMLDivElement>(null);
  const shaped = useMemo(() => mapShape(topology), [topology]);
  const { nodes, edges } = useMemo(() => elements(shaped), [shaped]);

  // New hosts come into view, unless the reader has chosen what to look at.
  useEffect(() => {
    if (!moved.current && nodes.length > 0)
      void flow.fitView({ padding: 0.08, maxZoom: 1.1, duration: still() ? 0 : 200 });
  }, [nodes, flow]);

  return (
    <ReactFlow<HostNode, LinkEdge>
      ref={box}
      className="map"
      aria-label="Map of nodes, containers and links"
      nodes={nodes}
      edges={small ? none : edges}
      nodeTypes={nodeTypes}
      edgeTypes={edgeTypes}
      // From afar all is drawn once and shifted as a whole; near by, only what is in view.
      onlyRenderVisibleElements={!small}
      nodesDraggable={false}
      nodesConnectable={false}
      nodesFocusable={false}
      edgesFocusable={false}
      elementsSelectable={false}
      minZoom={0.05}
      maxZoom={2.5}
      onMoveStart={(event) => {
        if (event !== null) moved.current = true;
        box.current?.classList.add('moving');
      }}
      onMoveEnd={() => box.current?.classList.remove('moving')}
      proOptions={{ hideAttribution: true }}
    >
      {small && <FarLinks links={shaped.links} />}
      <Controls showInteractive={false} />
    </ReactFlow>
  );
}

function elements({ hosts, links }: ReturnType<typeof mapShape>): { nodes: HostNode[]; edges: LinkEdge[] } {
  return {
    nodes: hosts.map((host) => ({
      id: host.name,
      type: 'host',
      position: { x: host.x, y: host.y },
      width: host.width,
      height: host.height,
      data: { host },
      style: { pointerEvents: 'all' },
    })),
    edges: links.map(({ id, kind, from, to, hosts: [source, target], actors }) => ({
      id,
      source,
      target,
      type: kind === 'tunnel' ? 'tunnel' : 'joint',
      data: { from, to, actors },
    })),
  };
}
