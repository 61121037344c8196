import { memo } from 'react';
import type { ReactElement } from 'react';
import { Handle, Position, useStore } from '@xyflow/react';
import type { Node, NodeProps } from '@xyflow/react';
import { Glyph } from '../state/glyph.tsx';
import { isState, signs, urgency } from '../state/words.ts';
import { absentState, useSession, useShown } from '../session.ts';
import { far } from './far.tsx';
import type { HostShape } from './shape.ts';

export type HostNode = Node<{ host: HostShape }, 'host'>;

/** A host with all that is on it. One element of the map for all of them, so that a large map stays light. */
export const HostBox = memo(function HostBox({ data: { host } }: NodeProps<HostNode>): ReactElement {
  return useStore(far) ? <Sum host={host} /> : <Whole host={host} />;
});

const handles = (
  <>
    <Handle type="source" position={Position.Right} isConnectable={false} />
    <Handle type="target" position={Position.Left} isConnectable={false} />
  </>
);

/** From afar: the worst state on the host, and how many are in it. */
function Sum({ host }: { host: HostShape }): ReactElement {
  const worst = useShown(({ moment }) => worstOf(host.actors.map(({ id }) => moment.states[id] ?? '')));
  const [state = ''] = worst.split(', ');
  return (
    <div className="host sum" data-state={state} role="group" aria-label={`Node ${host.name}: ${worst}`}>
      <span className="name">{host.name}</span>
      <span className="sign" aria-hidden="true">
        {isState(state) ? signs[state] : ''}
      </span>
      <span className="count">{worst}</span>
      {handles}
    </div>
  );
}

/** `<state>, <count>` of the state that most needs attention; `empty` if it has no interface. */
export function worstOf(states: readonly string[]): string {
  const known = states.filter(isState);
  const [worst] = known.toSorted((a, b) => urgency[a] - urgency[b]);
  return worst === undefined ? 'empty' : `${worst}, ${known.filter((state) => state === worst).length}`;
}

function Whole({ host }: { host: HostShape }): ReactElement {
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
      {handles}
    </div>
  );
}

const Actor = memo(function Actor({
  actor: { id, interfaceName, type, container, x, y, width, height },
}: {
  actor: HostShape['actors'][number];
}): ReactElement {
  const { go } = useSession();
  const state = useShown(({ moment }) => moment.states[id]);
  const unknown = useShown(absentState);
  const chosen = useShown(({ route }) => route.actor === id);
  const words = `${interfaceName}, ${type}${container === null ? '' : `, in ${container}`}: ${state ?? unknown}`;
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
      <Glyph state={state ?? ''} size={16} />
      <span className="words">
        {interfaceName} <small>{type}</small>
      </span>
    </button>
  );
});
