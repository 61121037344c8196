import { useEffect, useState } from 'react';
import type { ReactElement } from 'react';
import type { ChainRow } from '../../../src/inspector/protocol.ts';
import { Glyph } from '../state/glyph.tsx';
import { formatRoute } from '../route.ts';
import { useSession, useShown } from '../session.ts';

/** From what set an event off to the last kernel call that followed. */
export function Chain({ event }: { event: string | null }): ReactElement {
  const { ask } = useSession();
  const [found, setFound] = useState<{ event: string; root: ChainRow | null; error: string | null } | null>(null);
  useEffect(() => {
    if (event === null) return;
    let current = true;
    ask('chain', { event }).then(
      (root) => current && setFound({ event, root, error: null }),
      (error: unknown) =>
        current && setFound({ event, root: null, error: error instanceof Error ? error.message : String(error) }),
    );
    return () => {
      current = false;
    };
  }, [ask, event]);
  return (
    <section className="causes" aria-label="Causes and effects" tabIndex={0}>
      {event === null ? (
        <p className="muted">Choose an event to see what set it off, and what followed from it.</p>
      ) : found?.root ? (
        <ul>
          <Branch cause={found.root} chosen={event} start={Date.parse(found.root.time)} />
        </ul>
      ) : (
        <p className="muted">{found?.error ?? '…'}</p>
      )}
    </section>
  );
}

function Branch({ cause, chosen, start }: { cause: ChainRow; chosen: string; start: number }): ReactElement {
  const route = useShown((shown) => shown.route);
  return (
    <li>
      <p className={cause.id === chosen ? 'chosen' : undefined} aria-current={cause.id === chosen ? 'true' : undefined}>
        <Glyph state={cause.state} size={11} /> <a href={formatRoute({ ...route, at: cause.position })}>{cause.type}</a>{' '}
        <span className="muted">+{Date.parse(cause.time) - start} ms</span> {cause.words}
      </p>
      {cause.effects.length > 0 && (
        <ul>
          {cause.effects.map((effect) => (
            <Branch key={effect.id} cause={effect} chosen={chosen} start={start} />
          ))}
        </ul>
      )}
    </li>
  );
}
