import type { ReactElement } from 'react';
import { useSession, useShown } from '../session.ts';
import { clock, day } from '../time.ts';

/** Says where the page does not show the present, and what went wrong. */
export function Notice(): ReactElement | null {
  const { go, store } = useSession();
  const link = useShown((shown) => shown.link.state);
  const trouble = useShown((shown) => shown.trouble);
  const at = useShown(({ route }) => route.at);
  const time = useShown(({ moment }) => moment.time);
  if (link === 'refused') {
    return (
      <section className="notice trouble" aria-label="Notice">
        <p role="alert">
          The server does not accept this page's token. Open the address that it printed when it started: the token is
          in it.
        </p>
      </section>
    );
  }
  if (link === 'lost') {
    return (
      <section className="notice trouble" aria-label="Notice">
        <p role="alert">
          The connection to the server is lost; what you see is what was known then. It is tried again by itself.
        </p>
      </section>
    );
  }
  if (trouble !== null) {
    return (
      <section className="notice trouble" aria-label="Notice">
        <p role="alert">{trouble}</p>
        <button type="button" onClick={() => store.set({ trouble: null })}>
          Dismiss
        </button>
      </section>
    );
  }
  if (at === null) return null;
  return (
    <section className="notice past" aria-label="Notice">
      <p>
        You see the past: <strong>{time === null ? 'before the first event' : `${day(time)} ${clock(time)}`}</strong>
      </p>
      <button type="button" onClick={() => go({ at: null })}>
        Return to live
      </button>
    </section>
  );
}
