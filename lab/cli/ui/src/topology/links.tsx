import { memo } from 'react';
import type { ReactElement } from 'react';
import { BaseEdge, useStore } from '@xyflow/react';
import type { Edge, EdgeProps } from '@xyflow/react';
import { duration } from '../time.ts';
import { useNow } from '../now.ts';
import { useShown } from '../session.ts';
import { way } from './shape.ts';
import type { End } from './shape.ts';

export type LinkEdge = Edge<{ from: End; to: End; actors: [string, string] }, 'tunnel' | 'joint'>;

/** WireGuard shakes hands every two minutes while there is traffic, and gives a session up after three. */
const patience = 180_000;

/** The log holds no handshakes: of the past, none is known. */
export const ageOf = (
  handshake: string | undefined,
  now: number,
  live: boolean,
): 'fresh' | 'stale' | 'never' | 'unknown' =>
  handshake === undefined ? (live ? 'never' : 'unknown') : now - Date.parse(handshake) <= patience ? 'fresh' : 'stale';

/** Two links that cross would have their words at the same place, were they in the middle of each. */
const aside = (id: string): number => ((id.charCodeAt(id.length - 1) + id.length) % 2 === 0 ? 0.38 : 0.6);

/** Farther out no text can be read, and none is drawn. */
const readable = ({ transform }: { transform: readonly [number, number, number] }): boolean => transform[2] >= 0.55;

/** A tunnel: whole while hands are shaken, dashed when that was long ago, dotted where it never was, grey where that is not known. */
export const Tunnel = memo(function Tunnel({ id, data }: EdgeProps<LinkEdge>): ReactElement | null {
  const words = useStore(readable);
  const now = useNow(words ? 1000 : 15_000);
  const handshake = useShown(({ moment }) => moment.handshakes[id]);
  const chosen = useShown(({ route }) => route.actor !== null && data?.actors.includes(route.actor) === true);
  const live = useShown(({ route }) => route.at === null);
  if (data === undefined) return null;
  const { path, middle } = way(data.from, data.to, aside(id));
  const age = ageOf(handshake, now, live);
  return (
    <g className={`tunnel ${age}${chosen ? ' chosen' : ''}`}>
      <BaseEdge id={id} path={path} interactionWidth={0} />
      {words && age !== 'unknown' && (
        <text x={middle.x} y={middle.y + 3.5} textAnchor="middle">
          {handshake === undefined ? 'no handshake' : duration(now - Date.parse(handshake))}
        </text>
      )}
    </g>
  );
});

/** A bridge or vrf and what it holds, or a VXLAN, vlan, … and the link below it. */
export const Joint = memo(function Joint({ id, data }: EdgeProps<LinkEdge>): ReactElement | null {
  return data === undefined ? null : (
    <g className="joint">
      <BaseEdge id={id} path={way(data.from, data.to).path} interactionWidth={0} />
    </g>
  );
});
