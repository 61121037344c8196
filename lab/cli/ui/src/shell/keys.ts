import { useEffect } from 'react';
import { views } from '../route.ts';
import { heldFrom } from '../session.ts';
import type { PageSession } from '../session.ts';
import { actionOf } from './shortcuts.ts';

/** Acts on the keys of the page. The play button is pressed as a mouse would. */
export function useKeys(session: PageSession, { onHelp, onTheme }: { onHelp: () => void; onTheme: () => void }): void {
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const action = actionOf(event);
      if (action === null) return;
      const { go, store } = session;
      const shown = store.get();
      const { route, live } = shown;
      const step = (by: number): void =>
        go({ at: Math.max(heldFrom(shown), Math.min(live.total, (route.at ?? live.total) + by)) }, true);
      event.preventDefault();
      const view = views.find((name) => name === action);
      if (view) go({ view });
      else if (action === 'help') onHelp();
      else if (action === 'theme') onTheme();
      else if (action === 'search') document.getElementById('search')?.focus();
      else if (action === 'back') step(-1);
      else if (action === 'forward') step(1);
      else if (action === 'live') go({ at: null });
      else if (action === 'play') document.querySelector<HTMLElement>('.scrubber [data-play]')?.click();
      else if (action === 'mark') go({ other: route.at ?? live.total, view: 'compare' });
      else go({ actor: null, other: null });
    };
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  }, [session, onHelp, onTheme]);
}
