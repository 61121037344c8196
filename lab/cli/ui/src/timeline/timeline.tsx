import { systemClock } from '@ifactor/common';
import { useEffect, useRef, useState } from 'react';
import type { ReactElement, ReactNode } from 'react';
import type { EventRow, Filter } from '../../../src/inspector/protocol.ts';
import { Glyph } from '../state/glyph.tsx';
import { lifecycle } from '../state/words.ts';
import { heldFrom, useSession, useShown } from '../session.ts';
import { clock, day } from '../time.ts';
import { Chain } from './chain.tsx';
import { List } from './list.tsx';
import { useRows } from './rows.ts';
import { Scrubber } from './scrubber.tsx';
import { Window } from './window.tsx';
import './timeline.css';

const columns = ['Time', 'Interface', 'Event', 'State', 'What'];

/** Every event, filtered; the moment that all of the page shows is chosen here. */
export function Timeline(): ReactElement {
  const { store, ask, go } = useSession();
  const filter = useShown((shown) => shown.filter);
  const total = useShown(({ live }) => live.total);
  const start = useShown(heldFrom);
  const at = useShown(({ route }) => route.at);
  const time = useShown(({ moment }) => moment.time);
  const actor = useShown(({ route }) => route.actor);
  const actors = useShown((shown) => shown.actors);
  const rows = useRows(filter);
  const selected = useRank(filter, at);
  const [playing, setPlaying] = useState(false);
  const [text, setText] = useState(filter.text ?? '');
  const [chain, setChain] = useState(false);

  const narrow = (change: Filter, without: keyof Filter): void => {
    const { [without]: _, ...rest } = store.get().filter;
    store.set({ filter: { ...rest, ...change } });
  };

  // Apply the filter once typing pauses.
  useEffect(() => {
    if ((store.get().filter.text ?? '') === text) return;
    return systemClock.after(150, () => narrow(text === '' ? {} : { text }, 'text'));
  });

  // A distant row may not be loaded yet: request its position from the server.
  const choose = (index: number): void => {
    const known = Object.keys(filter).length === 0 ? start + index + 1 : rows.at(index)?.position;
    if (known !== undefined) go({ at: known }, true);
    else
      ask('events', { filter, from: index, count: 1 }).then(
        ({ rows: [event] }) => event && go({ at: event.position }, true),
        () => {},
      );
  };

  const row = (index: number): ReactNode => {
    const event = rows.at(index);
    return event === undefined ? (
      <span role="gridcell" className="muted">
        …
      </span>
    ) : (
      <Cells event={event} name={actors.get(event.actor)?.interfaceName} />
    );
  };
  const chosen = selected === null ? undefined : rows.at(selected);

  return (
    <>
      <div className="bar">
        <h2 className="hidden">Timeline</h2>
        <input
          id="search"
          type="search"
          placeholder="Search events  /"
          aria-label="Search events"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <select
          aria-label="State after the event"
          value={filter.states?.[0] ?? ''}
          onChange={({ currentTarget: { value } }) =>
            narrow(value === '' ? {} : { states: lifecycle.filter((state) => state === value) }, 'states')
          }
        >
          <option value="">Any state</option>
          {lifecycle.map((state) => (
            <option key={state}>{state}</option>
          ))}
        </select>
        <label className="check">
          <input
            type="checkbox"
            disabled={actor === null}
            checked={filter.actor !== undefined && filter.actor === actor}
            onChange={({ currentTarget: { checked } }) => narrow(checked && actor !== null ? { actor } : {}, 'actor')}
          />
          Only this interface
        </label>
        <label className="check">
          <input type="checkbox" checked={chain} onChange={({ currentTarget: { checked } }) => setChain(checked)} />
          Causes and effects
        </label>
        <p role="status" className="muted count">
          {rows.total.toLocaleString('en')} {rows.total === 1 ? 'event' : 'events'}
        </p>
        <Window />
        <Scrubber
          start={start}
          total={total}
          at={at}
          words={
            at === null
              ? 'now'
              : time === null
                ? 'before the first event'
                : `${day(time)} ${clock(time)}, event ${at} of ${total}`
          }
          playing={playing}
          onSeek={(to) => go({ at: to }, true)}
          onLive={() => {
            setPlaying(false);
            go({ at: null });
          }}
          onPlay={(play) => {
            setPlaying(play);
            if (play && at === null) go({ at: start });
          }}
        />
      </div>
      <div className={chain ? 'with chain' : 'with'}>
        <List
          total={rows.total}
          selected={selected}
          follow={at === null}
          label="Events"
          columns={columns}
          want={rows.want}
          row={row}
          onSelect={choose}
        />
        {chain && <Chain event={chosen?.id ?? null} />}
      </div>
    </>
  );
}

/** Which row of a filtered list the moment stands at; null while live, or before the first. */
function useRank(filter: Filter, at: number | null): number | null {
  const { ask } = useSession();
  const everything = Object.keys(filter).length === 0;
  const start = useShown(heldFrom);
  const [found, setFound] = useState<{ filter: Filter; at: number; rank: number } | null>(null);
  const wanted = useRef({ filter, at });
  useEffect(() => {
    wanted.current = { filter, at };
    if (everything || at === null) return;
    const current = (): boolean => wanted.current.filter === filter && wanted.current.at === at;
    ask('rank', { filter, at }).then(
      ({ rank }) => current() && setFound({ filter, at, rank }),
      () => current() && setFound(null),
    );
  }, [ask, everything, filter, at]);
  if (at === null) return null;
  const rank = everything ? Math.max(0, at - start) : found?.filter === filter ? found.rank : 0;
  return rank === 0 ? null : rank - 1;
}

const Cells = ({
  event: { time, actor, type, state, words },
  name,
}: {
  event: EventRow;
  name: string | undefined;
}): ReactElement => (
  <>
    <span role="gridcell" className="time">
      {clock(time)}
    </span>
    <span role="gridcell" title={actor}>
      {name ?? actor.split('/').at(-1)} <span className="muted">{actor.split(' ')[0]}</span>
    </span>
    <span role="gridcell" className="type">
      {type}
    </span>
    <span role="gridcell" className="after" data-state={state}>
      <Glyph state={state} size={11} /> <span>{state}</span>
    </span>
    <span role="gridcell" className="muted" title={words}>
      {words}
    </span>
  </>
);
