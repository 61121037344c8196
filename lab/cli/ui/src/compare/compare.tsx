import { useEffect, useState } from 'react';
import type { ReactElement } from 'react';
import type { ActorDetail } from '../../../src/inspector/protocol.ts';
import { Badge } from '../state/badge.tsx';
import { heldFrom, useSession, useShown } from '../session.ts';
import { clock, day } from '../time.ts';
import { WhatIfPanel } from './whatIf.tsx';
import './compare.css';

/** Two moments of one actor beside each other, and what the code at hand would have decided. */
export default function Compare(): ReactElement {
  const { go } = useSession();
  const actor = useShown(({ route }) => route.actor);
  const at = useShown(({ route }) => route.at);
  const other = useShown(({ route }) => route.other);
  const total = useShown(({ live }) => live.total);
  const start = useShown(heldFrom);
  if (actor === null) {
    return (
      <div className="compare">
        <h2>Compare</h2>
        <p className="muted">Choose an interface first, then two moments of it.</p>
        <WhatIfPanel actor={null} />
      </div>
    );
  }
  const first = other ?? start;
  return (
    <div className="compare">
      <h2>Compare {actor.split('/').at(-1)}</h2>
      <div className="moments">
        <Choice
          label="First moment"
          value={first}
          start={start}
          total={total}
          onChange={(to) => go({ other: to }, true)}
        />
        <Choice
          label="Second moment"
          value={at ?? total}
          start={start}
          total={total}
          onChange={(to) => go({ at: to }, true)}
        />
      </div>
      <Sides actor={actor} moments={[first, at]} />
      <WhatIfPanel actor={actor} />
    </div>
  );
}

const Choice = ({
  label,
  value,
  start,
  total,
  onChange,
}: {
  label: string;
  value: number;
  start: number;
  total: number;
  onChange: (to: number) => void;
}): ReactElement => (
  <label>
    <span>
      {label}: event {value} of {total}
    </span>
    <input
      type="range"
      min={start}
      max={total}
      value={value}
      onChange={(event) => onChange(event.currentTarget.valueAsNumber)}
    />
  </label>
);

function Sides({ actor, moments: [first, second] }: { actor: string; moments: [number, number | null] }): ReactElement {
  const left = useDetail(actor, first);
  const right = useDetail(actor, second);
  const rows = lines(left.detail, right.detail);
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label="Two moments">
      <table aria-label="Two moments">
        <thead>
          <tr>
            <th scope="col">Field</th>
            <th scope="col">{heading(left.time, first)}</th>
            <th scope="col">{heading(right.time, second)}</th>
          </tr>
        </thead>
        <tbody>
          <tr className={left.detail?.state === right.detail?.state ? undefined : 'differs'}>
            <th scope="row">
              state {left.detail?.state !== right.detail?.state && <span className="mark">changed</span>}
            </th>
            <td>{left.detail ? <Badge state={left.detail.state} /> : (left.error ?? '…')}</td>
            <td>{right.detail ? <Badge state={right.detail.state} /> : (right.error ?? '…')}</td>
          </tr>
          {rows.map(({ name, a, b }) => (
            <tr key={name} className={a === b ? undefined : 'differs'}>
              <th scope="row">
                {name} {a !== b && <span className="mark">changed</span>}
              </th>
              <td className="mono">{a ?? '–'}</td>
              <td className="mono">{b ?? '–'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const heading = (time: string | null, at: number | null): string =>
  at === null ? 'Now' : time === null ? `Event ${at}` : `${day(time)} ${clock(time)}`;

type Line = { name: string; a: string | null; b: string | null };

/** Each field of either moment, desired and observed apart; those that changed first. */
export function lines(left: ActorDetail | null, right: ActorDetail | null): Line[] {
  const found = new Map<string, Line>();
  const put = (side: 'a' | 'b', name: string, value: string | null): void => {
    found.set(name, { ...(found.get(name) ?? { name, a: null, b: null }), [side]: value });
  };
  for (const [side, detail] of [
    ['a', left],
    ['b', right],
  ] as const) {
    if (detail === null) continue;
    put(side, 'why', `${detail.reason}: ${detail.message}`);
    for (const { name, desired, observed } of detail.fields) {
      put(side, `${name}, desired`, desired);
      put(side, `${name}, observed`, observed);
    }
  }
  return [...found.values()].toSorted((x, y) => Number(x.a === x.b) - Number(y.a === y.b));
}

function useDetail(
  actor: string,
  at: number | null,
): { detail: ActorDetail | null; time: string | null; error: string | null } {
  const { ask } = useSession();
  const total = useShown(({ live }) => (at === null ? live.total : 0));
  const [found, setFound] = useState<{ detail: ActorDetail | null; time: string | null; error: string | null }>({
    detail: null,
    time: null,
    error: null,
  });
  useEffect(() => {
    let current = true;
    Promise.all([ask('actor', { actor, at }), ask('moment', { at })]).then(
      ([detail, { time }]) => current && setFound({ detail, time, error: null }),
      (error: unknown) =>
        current &&
        setFound({ detail: null, time: null, error: error instanceof Error ? error.message : String(error) }),
    );
    return () => {
      current = false;
    };
  }, [ask, actor, at, total]);
  return found;
}
