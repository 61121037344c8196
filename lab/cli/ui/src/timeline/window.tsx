import { useState } from 'react';
import type { ReactElement } from 'react';
import { useSession, useShown } from '../session.ts';
import { clock, day } from '../time.ts';

/** Shows which part of a long log is held, with a button that requests more. */
export function Window(): ReactElement | null {
  const { ask } = useSession();
  const source = useShown((shown) => shown.source);
  // When the source is sent again, it holds more.
  const [asked, setAsked] = useState<typeof source>(null);
  if (source?.held === undefined) return null;
  const { start, since, more } = source.held;
  return (
    <p className="muted window" role="status" aria-label="Window">
      from event {(start + 1).toLocaleString('en')}
      {since !== null && (
        <>
          , {day(since)} {clock(since)}
        </>
      )}{' '}
      {more && (
        <button
          type="button"
          className="quiet"
          disabled={asked === source}
          onClick={() => {
            setAsked(source);
            ask('earlier', {}).catch(() => setAsked(null));
          }}
        >
          Load earlier
        </button>
      )}
    </p>
  );
}
