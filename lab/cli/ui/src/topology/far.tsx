import { memo } from 'react';
import type { ReactElement } from 'react';
import { ViewportPortal } from '@xyflow/react';
import { useNow } from '../now.ts';
import { useShown } from '../session.ts';
import { ageOf } from './links.tsx';
import { way } from './shape.ts';
import type { mapShape } from './shape.ts';

/** Below this zoom nothing on a host can be read: hosts are summed up, and links are lines without words. */
export const far = ({ transform }: { transform: readonly [number, number, number] }): boolean => transform[2] < 0.35;

/** All links in one drawing, without dashes and words: a thousand drawings would be too many to paint at every frame. */
export const FarLinks = memo(function FarLinks({
  links,
}: {
  links: ReturnType<typeof mapShape>['links'];
}): ReactElement {
  const handshakes = useShown(({ moment }) => moment.handshakes);
  const live = useShown(({ route }) => route.at === null);
  const now = useNow(15_000);
  const tunnels = Map.groupBy(
    links.filter(({ kind }) => kind === 'tunnel'),
    ({ id }) => ageOf(handshakes[id], now, live),
  );
  return (
    <ViewportPortal>
      <svg className="links" width="1" height="1" aria-hidden="true" focusable="false">
        {[...tunnels].map(([age, same]) => (
          <g key={age} className={`tunnel ${age}`}>
            {same.map(({ id, from, to }) => (
              <path key={id} d={way(from, to).path} />
            ))}
          </g>
        ))}
      </svg>
    </ViewportPortal>
  );
});
