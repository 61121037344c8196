import { useMemo, useState } from 'react';
import type { ReactElement } from 'react';
import type { ActorInfo } from '../../../src/inspector/protocol.ts';
import { Badge } from '../state/badge.tsx';
import { isState, urgency } from '../state/words.ts';
import { formatRoute } from '../route.ts';
import { absentState, useShown } from '../session.ts';
import './actor.css';

/** More rows than this are of no use to a reader: the search is. */
const most = 200;

/** All actors at the moment shown, those in trouble first. */
export function ActorList(): ReactElement {
  const actors = useShown((shown) => shown.actors);
  const states = useShown(({ moment }) => moment.states);
  const route = useShown((shown) => shown.route);
  const unknown = useShown(absentState);
  const [search, setSearch] = useState('');
  const found = useMemo(() => sorted(actors, states, search), [actors, states, search]);
  const unwell = useMemo(
    () => Object.values(states).filter((state) => urgency[state] < urgency['moved-to-netns']).length,
    [states],
  );
  return (
    <div className="actors">
      <header>
        <h2>Interfaces</h2>
        <p role="status" className="muted">
          {actors.size === 0
            ? 'None yet'
            : unwell === 0
              ? `${actors.size}, all well`
              : `${actors.size}, ${unwell} not settled`}
        </p>
        <input
          type="search"
          placeholder="Name, node, container, state"
          aria-label="Search interfaces"
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
      </header>
      {actors.size === 0 ? (
        <p className="empty">
          Nothing has happened in this log. Apply a manifest, for instance{' '}
          <code>kubectl apply -f crds/examples/veth.yaml</code>, or drop a file that <code>ifactor export</code> wrote
          on this page.
        </p>
      ) : (
        <table aria-label="Interfaces">
          <thead>
            <tr>
              <th scope="col">Interface</th>
              <th scope="col">Where</th>
              <th scope="col">State</th>
            </tr>
          </thead>
          <tbody>
            {found.slice(0, most).map(({ id, key, interfaceName, type, node, container }) => (
              <tr key={id}>
                <td>
                  <a href={formatRoute({ ...route, actor: id, view: 'actor' })}>{interfaceName}</a>{' '}
                  <span className="muted" title={`${key.namespace}/${key.name}`}>
                    {type}
                    {key.name === interfaceName ? '' : `, ${key.name}`}
                  </span>
                </td>
                <td className="where">
                  {node}
                  {container !== null && <span className="muted"> / {container}</span>}
                </td>
                <td>
                  <Badge state={states[id] ?? unknown} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {found.length > most && <p className="empty">{found.length - most} more; search to see them.</p>}
    </div>
  );
}

function sorted(
  actors: ReadonlyMap<string, ActorInfo>,
  states: Readonly<Record<string, string>>,
  search: string,
): ActorInfo[] {
  const wanted = search.trim().toLowerCase();
  const rank = ({ id }: ActorInfo): number => {
    const state = states[id] ?? '';
    return isState(state) ? urgency[state] : 9;
  };
  return [...actors.values()]
    .filter(({ id, interfaceName, container, type }) =>
      `${id} ${interfaceName} ${container ?? ''} ${type} ${states[id] ?? ''}`.toLowerCase().includes(wanted),
    )
    .toSorted((a, b) => rank(a) - rank(b) || a.id.localeCompare(b.id));
}
