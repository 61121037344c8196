import { memo } from 'react';
import type { ReactElement } from 'react';
import { isState, lifecycle, meanings } from '../state/words.ts';
import { Glyph } from '../state/glyph.tsx';
import { box, canvas, curve, groups, places } from './layout.ts';
import './statechart.css';

/** How often an actor went from one state to another. */
export type TakenArrow = { from: string; to: string; count: number };

/** A way open from the live state, and what has to be found for it: the guards of the statechart. */
export type Open = { to: string; guards: readonly string[] };

/**
 * The lifecycle as a drawing: the live state is lit, the ways taken so far are as wide as they were often gone, the ways
 * open from here are dashed. The same as a table follows for who cannot see it.
 */
export const Statechart = memo(function Statechart({
  state,
  taken,
  next,
}: {
  state: string;
  taken: readonly TakenArrow[];
  next: readonly Open[];
}): ReactElement {
  const ways = taken.filter(({ from, to }) => from !== to && isState(from) && isState(to));
  const open = isState(state)
    ? next.filter(({ to }) => to !== state && !ways.some((way) => way.from === state && way.to === to))
    : [];
  return (
    <figure className="statechart" aria-label={`Lifecycle: ${state}`}>
      <svg viewBox={`0 0 ${canvas.width} ${canvas.height}`} aria-hidden="true" focusable="false">
        <defs>
          {['taken', 'open'].map((name) => (
            <marker
              key={name}
              id={`arrow-${name}`}
              className={name}
              viewBox="0 0 8 8"
              refX="6"
              refY="4"
              markerWidth="8"
              markerHeight="8"
              markerUnits="userSpaceOnUse"
              orient="auto"
            >
              <path d="M0 .8 7 4 0 7.2z" />
            </marker>
          ))}
        </defs>
        {groups.map(({ name, ...rectangle }) => (
          <g key={name} className="group">
            <rect {...rectangle} rx="8" />
            <text x={rectangle.x + 7} y={rectangle.y + 13}>
              {name}
            </text>
          </g>
        ))}
        {open.map(
          ({ to, guards }) =>
            isState(state) &&
            isState(to) && (
              <path key={to} className="way open" d={curve(state, to).path} markerEnd="url(#arrow-open)">
                <title>{guards.join(', ')}</title>
              </path>
            ),
        )}
        {ways.map((way) => (
          <Way key={`${way.from} ${way.to}`} {...way} />
        ))}
        {lifecycle.map((name) => (
          <g key={name} data-state={name} className={name === state ? 'place live' : 'place'}>
            <rect
              x={places[name].x - box.width / 2}
              y={places[name].y - box.height / 2}
              width={box.width}
              height={box.height}
              rx="6"
            />
            <svg x={places[name].x - box.width / 2 + 7} y={places[name].y - 6} width="12" height="12">
              <Glyph state={name} size={12} />
            </svg>
            <text x={places[name].x + 9} y={places[name].y + 4} textAnchor="middle">
              {name}
            </text>
          </g>
        ))}
        {ways.map(({ from, to, count }) => {
          if (!isState(from) || !isState(to)) return null;
          const { middle } = curve(from, to);
          return (
            <text key={`${from} ${to}`} className="count" x={middle.x} y={middle.y + 3.5} textAnchor="middle">
              {count}×
            </text>
          );
        })}
      </svg>
      <figcaption>
        {isState(state) ? `${state}: ${meanings[state]}.` : state}{' '}
        <span className="muted">Solid: ways gone, by number. Dashed: ways open from here.</span>
      </figcaption>
      {next.length > 0 && (
        <ul className="guards" aria-label={`Ways from ${state}`}>
          {next.map(({ to, guards }) => (
            <li key={to}>
              <span className="muted">→</span> {to} <span className="muted">when</span> <code>{guards.join(', ')}</code>
            </li>
          ))}
        </ul>
      )}
      {ways.length > 0 && (
        <details>
          <summary>Transitions as a table</summary>
          <table>
            <thead>
              <tr>
                <th scope="col">From</th>
                <th scope="col">To</th>
                <th scope="col" className="numeric">
                  Times
                </th>
              </tr>
            </thead>
            <tbody>
              {ways.map(({ from, to, count }) => (
                <tr key={`${from} ${to}`}>
                  <td>{from}</td>
                  <td>{to}</td>
                  <td className="numeric">{count}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      )}
    </figure>
  );
});

function Way({ from, to, count }: TakenArrow): ReactElement | null {
  if (!isState(from) || !isState(to)) return null;
  return (
    <path
      className="way taken"
      d={curve(from, to).path}
      strokeWidth={Math.min(5, 1.2 + Math.log2(count) * 0.7)}
      markerEnd="url(#arrow-taken)"
    />
  );
}
