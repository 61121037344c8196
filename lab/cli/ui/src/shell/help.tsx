import { useEffect, useRef } from 'react';
import type { ReactElement } from 'react';
import { lifecycle, meanings } from '../state/words.ts';
import { Badge } from '../state/badge.tsx';
import { shortcuts } from './shortcuts.ts';
import './help.css';

/** The list of keys and of what the states mean. The browser's own dialog: it holds the focus and gives it back. */
export function Help({ onClose }: { onClose: () => void }): ReactElement {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} className="help" aria-labelledby="help-title" onClose={onClose}>
      <header>
        <h2 id="help-title">Keys and signs</h2>
        <button type="button" className="quiet square" aria-label="Close" onClick={() => dialog.current?.close()}>
          ×
        </button>
      </header>
      <div className="columns">
        <section aria-labelledby="help-keys">
          <h3 id="help-keys">Keys</h3>
          <table>
            <tbody>
              {shortcuts.map(({ shown, words }) => (
                <tr key={shown}>
                  <th scope="row">
                    <kbd>{shown}</kbd>
                  </th>
                  <td>{words}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
        <section aria-labelledby="help-states">
          <h3 id="help-states">States</h3>
          <table>
            <tbody>
              {lifecycle.map((state) => (
                <tr key={state}>
                  <th scope="row">
                    <Badge state={state} />
                  </th>
                  <td>{meanings[state]}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      </div>
    </dialog>
  );
}
