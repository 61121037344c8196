import type { ReactElement } from 'react';
import type { ActorDetail, ActorInfo } from '../../../src/inspector/protocol.ts';
import { Badge } from '../state/badge.tsx';
import { formatRoute } from '../route.ts';
import { useSession, useShown } from '../session.ts';
import { ago, clock } from '../time.ts';
import { useNow } from '../now.ts';
import { commandsFor } from './commands.ts';
import { CopyableCommand } from './copy.tsx';
import { Fields } from './fields.tsx';
import { Statechart } from './statechart.tsx';
import './actor.css';

/** All that is known of one actor at the moment shown. */
export function ActorPanel({ id }: { id: string }): ReactElement {
  const { go } = useSession();
  const detail = useShown((shown) => (shown.detail?.id === id ? shown.detail : null));
  const info = useShown((shown) => shown.actors.get(id)) ?? detail;
  return (
    <div className="one">
      <header>
        <button type="button" className="quiet back" onClick={() => go({ actor: null, other: null, view: 'actor' })}>
          ← All interfaces
        </button>
        <h2>{info?.interfaceName ?? id}</h2>
        <p className="state" role="status" aria-label="State">
          {detail === null ? <span className="muted">…</span> : <Badge state={detail.state} />}
        </p>
        {info !== null && <Where actor={info} />}
      </header>
      {detail !== null && <Detail detail={detail} />}
    </div>
  );
}

const Where = ({ actor: { node, container, type, key } }: { actor: ActorInfo }): ReactElement => (
  <p className="muted where">
    {type} on {node}
    {container !== null && <> in {container}</>} · {key.namespace}/{key.name}
  </p>
);

function Detail({ detail }: { detail: ActorDetail }): ReactElement {
  const {
    state,
    reason,
    message,
    waiting,
    conditions,
    fields,
    tried,
    transitions,
    next,
    key,
    node,
    at,
    id,
    interfaceName,
    partial = false,
  } = detail;
  const route = useShown((shown) => shown.route);
  const time = useShown(({ moment }) => moment.time);
  return (
    <>
      <section aria-labelledby="why">
        <h3 id="why">Why</h3>
        {partial ? (
          <p className="message muted">Its earlier events are being read …</p>
        ) : (
          <p className="message">
            <strong>{reason}</strong>
            {message !== '' && <>: {message}</>}
          </p>
        )}
        {!partial && waiting.length > 0 && (
          <div className="waiting">
            <p id="waiting">It waits for</p>
            <ul aria-labelledby="waiting">
              {waiting.map((words) => (
                <li key={words}>{words}</li>
              ))}
            </ul>
          </div>
        )}
      </section>
      <section aria-labelledby="lifecycle">
        <h3 id="lifecycle">Lifecycle</h3>
        <Statechart state={state} taken={transitions} next={next} />
      </section>
      <section aria-labelledby="fields">
        <h3 id="fields">Desired and observed</h3>
        <Fields fields={fields} label={`Desired and observed of ${interfaceName}`} />
        <p>
          <a href={formatRoute({ ...route, view: 'compare' })}>Compare with another moment</a>
        </p>
      </section>
      <section aria-labelledby="conditions">
        <h3 id="conditions">Conditions</h3>
        {conditions.length === 0 ? (
          <p className="muted">None yet.</p>
        ) : (
          <ul className="conditions">
            {conditions.map((condition) => (
              <li key={condition.type}>
                <p>
                  <strong>{condition.type}</strong> is {condition.status}, {condition.reason}{' '}
                  <Since time={condition.lastTransitionTime} live={at === null} />
                </p>
                <p className="muted">{condition.message}</p>
              </li>
            ))}
          </ul>
        )}
      </section>
      <section aria-labelledby="operations">
        <h3 id="operations">Last operations</h3>
        {tried.length === 0 ? (
          <p className="muted">The kernel has not been asked for anything.</p>
        ) : (
          <div className="scroll" tabIndex={0} role="region" aria-label="Last operations, to scroll">
            <table aria-label="Last operations">
              <thead>
                <tr>
                  <th scope="col">Time</th>
                  <th scope="col">Operation</th>
                  <th scope="col">The kernel's answer</th>
                </tr>
              </thead>
              <tbody>
                {tried.map(({ position, time: when, operation, answer, failed }) => (
                  <tr key={position} className={failed ? 'failed' : undefined}>
                    <td>
                      <a href={formatRoute({ ...route, at: position })}>{clock(when)}</a>
                    </td>
                    <td>{operation}</td>
                    <td>
                      {failed ? <strong>failed: </strong> : null}
                      {answer}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
      <section aria-labelledby="commands">
        <h3 id="commands">Commands</h3>
        <ul className="commands">
          {commandsFor(key, node, at === null ? null : time).map(({ words, text }) => (
            <CopyableCommand key={words} words={words} text={text} />
          ))}
        </ul>
      </section>
      <span className="hidden" role="status" aria-label="Change of state">
        {id} is {state}
      </span>
    </>
  );
}

function Since({ time, live }: { time: string; live: boolean }): ReactElement {
  const now = useNow(1000);
  return (
    <time dateTime={time} className="muted">
      {live ? ago(time, now) : `since ${clock(time)}`}
    </time>
  );
}
