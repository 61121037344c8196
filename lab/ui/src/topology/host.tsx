import { memo } from 'react';
import type { ReactElement } from 'react';
import { Handle, Position } from '@xyflow/react';
import type { Node, NodeProps } from '@xyflow/react';
import { Glyph } from '../state/glyph.tsx';
import { useSession, useShown } from '../session.ts';
import type { Host } from './shape.ts';

export type HostNode = Node<{ host: Host }, 'host'>;

/** A host, its containers and its actors. One element of the map for all of them, so that a large map stays light. */
export const HostBox = memo(function HostBox({ data: { host } }: NodeProps<HostNode>): ReactElement {
  return (
    <div className="host" role="group" aria-label={`Node ${host.name}`}>
      <span className="name">{host.name}</span>
      {host.containers.map(({ id, name, x, y, width, height }) => (
        <div key={id} className="container" style={{ left: x, top: y, width, height }}>
          <span className="name">{name}</span>
        </div>
      ))}
      {host.actors.map((actor) => (
        <Actor key={actor.id} actor={actor} />
      ))}
      <Handle type="source" position={Position.Right} isConnectable={false} />
      <Handle type="target" position={Position.Left} isConnectable={false} />
    </div>
  );
});

const Actor = memo(function Actor({ actor: { id, interfaceName, type, container, x, y, width, height } }: { actor: Host['actors'][number] }): ReactElement {
  const { go } = useSession();
  const state = useShown(({ moment }) => moment.states[id]);
  const chosen = useShown(({ route }) => route.actor === id);
  const words = `${interfaceName}, ${type}${container === null ? '' : `, in ${container}`}: ${state ?? 'not there yet'}`;
  return (
    <button
      type="button"
      className="actor nopan"
      data-state={state}
      aria-pressed={chosen}
      aria-label={words}
      title={words}
      style={{ left: x, top: y, width, height }}
      onClick={() => go({ actor: id, view: 'actor' })}
    >
      <Glyph state={state ?? ''} size={14} />
      <span className="words">
        {interfaceName} <small>{type}</small>
      </span>
    </button>
  );
});
