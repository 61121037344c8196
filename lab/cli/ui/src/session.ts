import { createContext, use } from 'react';
import type {
  ActorDetail,
  ActorInfo,
  Filter,
  Moment,
  SourceInfo,
  Topology,
  Told,
} from '../../src/inspector/protocol.ts';
import { fileLimit } from '../../src/inspector/protocol.ts';
import { connectPage } from './client.ts';
import type { PageClient, LinkState, PageSocket } from './client.ts';
import { newest } from './newest.ts';
import { formatRoute, parseRoute } from './route.ts';
import type { Route } from './route.ts';
import { createStore, usePart } from './store.ts';
import type { PageStore } from './store.ts';

/** Everything the page shows. */
export type Shown = {
  link: LinkState;
  source: SourceInfo | null;
  topology: Topology;
  /** What the actors are, by id. */
  actors: ReadonlyMap<string, ActorInfo>;
  route: Route;
  /** The current moment. */
  live: Moment;
  /** The moment of the route; the same as `live` if that is live. */
  moment: Moment;
  /** The route's actor at the route's moment. */
  detail: ActorDetail | null;
  filter: Filter;
  /** The last error, until a request succeeds. */
  trouble: string | null;
};

const nothing: Moment = { at: null, total: 0, time: null, states: {}, handshakes: {} };

const initialState = (route: Route): Shown => ({
  link: { state: 'connecting' },
  source: null,
  topology: { nodes: [], containers: [], actors: [], links: [] },
  actors: new Map(),
  route,
  live: nothing,
  moment: nothing,
  detail: null,
  filter: {},
  trouble: null,
});

export type PageSession = {
  store: PageStore<Shown>;
  ask: PageClient['ask'];
  /** Goes elsewhere; `quietly` leaves no step in the browser's history, as while a scrubber is dragged. */
  go: (to: Partial<Route>, quietly?: boolean) => void;
  /** Shows a log file instead of the live log; null goes back. */
  open: (file: File | null) => Promise<void>;
  close: () => void;
};

/** What of the window is used; a test hands in its own. */
export type PageEnvironment = {
  location: Pick<Location, 'hash' | 'pathname' | 'search'>;
  history: Pick<History, 'pushState' | 'replaceState'>;
  addEventListener: (type: 'hashchange' | 'popstate', listener: () => void) => void;
  removeEventListener: (type: 'hashchange' | 'popstate', listener: () => void) => void;
};

/** Keeps what the page shows in step with the server and with the address. */
export function createSession(socket: () => PageSocket, place: PageEnvironment): PageSession {
  const store = createStore(initialState(parseRoute(place.location.hash)));
  const fail = ({ message }: Error): void => store.set({ trouble: message });

  const seek = newest(
    (at: number) => client.ask('moment', { at }),
    (moment, at) => {
      if (store.get().route.at === at) store.set({ moment, trouble: null });
    },
    (error, at) => {
      if (store.get().route.at === at) fail(error);
    },
  );
  const look = newest(
    ({ actor, at }: { actor: string; at: number | null }) => client.ask('actor', { actor, at }),
    (detail, { actor, at }) => {
      const { route } = store.get();
      if (route.actor === actor && route.at === at) store.set({ detail, trouble: null });
    },
    (error, { actor, at }) => {
      const { route } = store.get();
      if (route.actor === actor && route.at === at) store.set({ detail: null, trouble: error.message });
    },
  );

  /** Requests what the route shows and the server does not send unrequested. */
  function refresh(): void {
    const { route, live, detail, link } = store.get();
    const { at, actor } = route;
    if (detail !== null && detail.id !== actor) store.set({ detail: null });
    if (at === null) store.set({ moment: live });
    if (link.state !== 'open') return;
    if (at !== null) seek(at);
    if (actor !== null) look({ actor, at });
  }

  function onTold(told: Told): void {
    const { route, live } = store.get();
    if (told.tell === 'source') {
      store.set({ source: told.source, live: nothing, moment: nothing, detail: null });
      refresh();
    } else if (told.tell === 'topology') {
      store.set({ topology: told.topology, actors: new Map(told.topology.actors.map((actor) => [actor.id, actor])) });
    } else {
      const now = {
        ...told.moment,
        states: { ...live.states, ...told.moment.states },
        handshakes: { ...live.handshakes, ...told.moment.handshakes },
      };
      store.set({ live: now, ...(route.at === null ? { moment: now } : {}) });
      const { actor, at } = route;
      const partial = store.get().detail?.partial === true;
      if (actor !== null && (partial || (at === null && now.total !== live.total))) look({ actor, at });
    }
  }

  const client = connectPage(socket, {
    onTold,
    onLink: (link) => {
      store.set({ link });
      if (link.state === 'open') refresh();
    },
  });

  const arrive = (): void => {
    const route = parseRoute(place.location.hash);
    if (formatRoute(route) === formatRoute(store.get().route)) return;
    store.set({ route });
    refresh();
  };
  place.addEventListener('hashchange', arrive);
  place.addEventListener('popstate', arrive);

  const go: PageSession['go'] = (to, quietly = false) => {
    const route = { ...store.get().route, ...to };
    const address = `${place.location.pathname}${place.location.search}${formatRoute(route)}`;
    if (formatRoute(route) === formatRoute(store.get().route)) return;
    if (quietly) place.history.replaceState(null, '', address);
    else place.history.pushState(null, '', address);
    store.set({ route });
    refresh();
  };

  return {
    store,
    ask: client.ask,
    go,
    async open(file) {
      try {
        const text = (await file?.text()) ?? '';
        if (text.length > fileLimit)
          throw new Error(
            `${file?.name} is larger than ${fileLimit / 2 ** 20} MiB: export less, with --since or one interface`,
          );
        await client.ask('open', file === null ? null : { name: file.name, text });
        store.set({ trouble: null, filter: {} });
        go({ actor: null, at: null, other: null });
      } catch (error) {
        fail(error instanceof Error ? error : new Error(String(error)));
      }
    },
    close() {
      client.close();
      place.removeEventListener('hashchange', arrive);
      place.removeEventListener('popstate', arrive);
    },
  };
}

/** The position before the first event that the server holds. */
export const heldFrom = ({ source }: Pick<Shown, 'source'>): number => source?.held?.start ?? 0;

/** What is shown for an actor without a state at the moment: it did not exist yet, or only earlier events, which are not held, tell. */
export const absentState = (shown: Pick<Shown, 'source'>): string =>
  heldFrom(shown) === 0 ? 'not there yet' : 'not known';

export const SessionContext = createContext<PageSession | null>(null);

export function useSession(): PageSession {
  const session = use(SessionContext);
  if (session === null) throw new Error('a component of the page stands outside its session');
  return session;
}

/** The part of what is shown that a component needs. */
export const useShown = <P>(part: (shown: Shown) => P): P => usePart(useSession().store, part);
