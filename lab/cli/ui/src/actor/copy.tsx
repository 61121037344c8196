import { systemClock } from '@ifactor/common';
import { useEffect, useState } from 'react';
import type { ReactElement } from 'react';

/** A command in one line, with a button that copies it. */
export function CopyableCommand({ words, text }: { words: string; text: string }): ReactElement {
  const [said, setSaid] = useState<string | null>(null);
  useEffect(() => {
    if (said === null) return;
    return systemClock.after(2000, () => setSaid(null));
  }, [said]);
  const copy = (): void => {
    navigator.clipboard.writeText(text).then(
      () => setSaid('Copied'),
      () => setSaid('The browser refused'),
    );
  };
  return (
    <li className="command">
      <span className="muted">{words}</span>
      <div>
        <code tabIndex={0} role="region" aria-label={words}>
          {text}
        </code>
        <button type="button" onClick={copy} aria-label={`Copy: ${words}`}>
          {said ?? 'Copy'}
        </button>
      </div>
      <span role="status" className="hidden">
        {said}
      </span>
    </li>
  );
}
