import { useState } from 'react';
import type { ReactElement } from 'react';
import type { Asks } from '../../../src/inspector/protocol.ts';
import { useSession } from '../session.ts';
import { clock, day } from '../time.ts';

/** Folds the log with the code at hand, and shows the first decision that differs from the recorded one. */
export function WhatIfPanel({ actor }: { actor: string | null }): ReactElement {
  const { ask } = useSession();
  const [answer, setAnswer] = useState<Asks['whatIf']['answer'] | string | null>(null);
  const run = (): void => {
    setAnswer('Folding the log …');
    ask('whatIf', { actor }).then(setAnswer, (error: unknown) =>
      setAnswer(error instanceof Error ? error.message : String(error)),
    );
  };
  return (
    <section className="whatif" aria-labelledby="what-if">
      <h3 id="what-if">What if</h3>
      <p>Would the version that runs here decide as the recorded one did?</p>
      <button type="button" onClick={run}>
        {actor === null ? 'Fold every log again' : 'Fold its log again'}
      </button>
      <div role="status">
        {typeof answer === 'string' && <p>{answer}</p>}
        {answer !== null && typeof answer === 'object' && answer.difference === null && (
          <p>Yes: {answer.events} events, each decision the same.</p>
        )}
        {answer !== null && typeof answer === 'object' && answer.difference !== null && (
          <>
            <p>
              No: the first decision that differs is at {answer.difference.row.type}, {day(answer.difference.row.time)}{' '}
              {clock(answer.difference.row.time)}.
            </p>
            <dl>
              <dt>Recorded</dt>
              <dd className="mono">{answer.difference.recorded}</dd>
              <dt>Now</dt>
              <dd className="mono">{answer.difference.now}</dd>
            </dl>
          </>
        )}
      </div>
    </section>
  );
}
