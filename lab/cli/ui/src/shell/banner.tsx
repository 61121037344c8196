import { useRef } from 'react';
import type { ReactElement } from 'react';
import { formatRoute, views } from '../route.ts';
import type { PageView } from '../route.ts';
import { useNow } from '../now.ts';
import { useSession, useShown } from '../session.ts';
import { nextTheme } from '../theme/theme.ts';
import type { Theme } from '../theme/theme.ts';

const names: { readonly [V in PageView]: string } = {
  map: 'Map',
  actor: 'Actor',
  timeline: 'Timeline',
  compare: 'Compare',
};

const themes: { readonly [T in Theme]: string } = { system: 'Auto', light: 'Light', dark: 'Dark' };

/** Navigation, the state of the connection, and the controls of the whole page. */
export function Banner({
  theme,
  onTheme,
  onHelp,
}: {
  theme: Theme;
  onTheme: () => void;
  onHelp: () => void;
}): ReactElement {
  const { open } = useSession();
  const route = useShown((shown) => shown.route);
  const source = useShown((shown) => shown.source);
  const input = useRef<HTMLInputElement>(null);
  return (
    <header className="banner">
      <h1>
        <svg viewBox="0 0 32 32" width="20" height="20" aria-hidden="true" focusable="false">
          <rect width="32" height="32" rx="7" fill="var(--accent)" />
          <path d="M9 16h14" stroke="var(--on-accent)" strokeWidth="2.5" />
          <circle cx="9" cy="16" r="4" fill="var(--on-accent)" />
          <circle cx="23" cy="16" r="4" fill="var(--accent)" stroke="var(--on-accent)" strokeWidth="2.5" />
        </svg>
        ifactor <span>inspector</span>
      </h1>
      <nav aria-label="Views">
        <ul>
          {views.map((view) => (
            <li key={view} className={view === 'map' || view === 'compare' ? undefined : 'narrow'}>
              <a
                href={formatRoute({ ...route, view }) || '#'}
                className={view === 'map' && route.view !== 'compare' ? 'wide' : undefined}
                aria-current={route.view === view ? 'page' : undefined}
              >
                {names[view]}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <div className="end">
        <Link />
        {source?.kind === 'file' ? (
          <button type="button" onClick={() => void open(null)}>
            Close file
          </button>
        ) : (
          <button type="button" onClick={() => input.current?.click()}>
            Open log…
          </button>
        )}
        <input
          ref={input}
          type="file"
          hidden
          aria-label="Log file"
          onChange={({ currentTarget }) => {
            const [file] = currentTarget.files ?? [];
            if (file) void open(file);
            currentTarget.value = '';
          }}
        />
        <button
          type="button"
          className="quiet"
          onClick={onTheme}
          aria-label={`Theme: ${themes[theme]}`}
          title={`Change to ${themes[nextTheme(theme)]}`}
        >
          {themes[theme]}
        </button>
        <button type="button" className="quiet square" onClick={onHelp} aria-label="Keys and signs">
          ?
        </button>
      </div>
    </header>
  );
}

function Link(): ReactElement {
  const link = useShown((shown) => shown.link);
  const source = useShown((shown) => shown.source);
  const words = {
    connecting: 'connecting',
    open: source?.kind === 'file' ? `file ${source.name}` : (source?.name ?? 'connected'),
    lost: 'not connected',
    refused: 'refused',
  }[link.state];
  return (
    <span
      role="status"
      aria-label="Connection"
      className={`link ${link.state === 'open' ? (source?.kind ?? '') : 'lost'}`}
      title={words}
    >
      <span>{words}</span>
      {link.state === 'lost' && <Retry at={link.retryAt} />}
    </span>
  );
}

function Retry({ at }: { at: number }): ReactElement {
  const now = useNow(1000);
  return <span aria-hidden="true">, again in {Math.max(0, Math.ceil((at - now) / 1000))} s</span>;
}
