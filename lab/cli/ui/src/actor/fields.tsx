import type { ReactElement } from 'react';
import type { Field } from '../../../src/inspector/protocol.ts';

/** Desired and observed values, field by field; a difference is also marked in words. */
export function Fields({ fields, label }: { fields: readonly Field[]; label: string }): ReactElement {
  if (fields.length === 0) return <p className="muted">Nothing is declared, and nothing was seen.</p>;
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label={label}>
      <table className="fields" aria-label={label}>
        <thead>
          <tr>
            <th scope="col">Field</th>
            <th scope="col">Desired</th>
            <th scope="col">Observed</th>
          </tr>
        </thead>
        <tbody>
          {fields.map(({ name, desired, observed, differs }) => (
            <tr key={name} className={differs ? 'differs' : undefined}>
              <th scope="row">
                {name}
                {differs && (
                  <>
                    {' '}
                    <span className="mark">differs</span>
                  </>
                )}
              </th>
              <td className="mono">{desired ?? <span className="muted">–</span>}</td>
              <td className="mono">{observed ?? <span className="muted">–</span>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
