import type { ReactElement } from 'react';

/** One shape per state, so that states differ by more than colour; drawn in the current colour, 16 by 16. */
const shapes: Readonly<Record<string, ReactElement>> = {
  pending: <circle cx="8" cy="8" r="5.5" fill="none" strokeWidth="2" strokeDasharray="3 2.2" />,
  creating: (
    <>
      <circle cx="8" cy="8" r="5.5" fill="none" strokeWidth="2" />
      <path d="M8 2.5a5.5 5.5 0 0 1 0 11z" stroke="none" />
    </>
  ),
  configured: <circle cx="8" cy="8" r="6" stroke="none" />,
  'moved-to-netns': (
    <>
      <rect x="1.9" y="1.9" width="12.2" height="12.2" rx="2.5" fill="none" strokeWidth="1.8" />
      <circle cx="8" cy="8" r="3.2" stroke="none" />
    </>
  ),
  drifted: <path d="M8 1.6 14.4 8 8 14.4 1.6 8z" stroke="none" />,
  failed: (
    <>
      <path d="M8 1.8 15 14H1z" strokeLinejoin="round" strokeWidth="1" />
      <path d="M8 6v4M8 11.6v.8" stroke="var(--surface)" strokeWidth="1.6" fill="none" />
    </>
  ),
  deleting: (
    <>
      <circle cx="8" cy="8" r="5.5" fill="none" strokeWidth="2" />
      <path d="M5 8h6" strokeWidth="2" />
    </>
  ),
  deleted: <path d="M3.5 3.5l9 9M12.5 3.5l-9 9" strokeWidth="2.2" strokeLinecap="round" />,
};

/** The shape of a state; for the eye only, its name stands beside it. */
export function Glyph({ state, size = 14 }: { state: string; size?: number }): ReactElement {
  return (
    <svg
      className="glyph"
      data-state={state}
      viewBox="0 0 16 16"
      width={size}
      height={size}
      aria-hidden="true"
      focusable="false"
      fill="currentColor"
      stroke="currentColor"
    >
      {shapes[state] ?? <circle cx="8" cy="8" r="2.5" stroke="none" />}
    </svg>
  );
}
