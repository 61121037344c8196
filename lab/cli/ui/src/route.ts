/** The part of the page that is shown if the screen is too small for all. */
export const views = ['map', 'actor', 'timeline', 'compare'] as const;
export type PageView = (typeof views)[number];

/**
 * What a link to this page holds: the actor, the moment (a position in the log; null: live), the part, and the
 * moment to compare with.
 */
export type Route = { view: PageView; actor: string | null; at: number | null; other: number | null };

export const home: Route = { view: 'map', actor: null, at: null, other: null };

/** Reads the fragment of an address; what it does not understand it takes for the default. */
export function parseRoute(hash: string): Route {
  const fields = new URLSearchParams(hash.replace(/^#/, ''));
  const view = views.find((name) => name === fields.get('view')) ?? home.view;
  return {
    view,
    actor: fields.get('actor') || null,
    at: position(fields.get('at')),
    other: position(fields.get('other')),
  };
}

/** The URL fragment of a route, including `#`; empty for the start page. */
export function formatRoute({ view, actor, at, other }: Route): string {
  const fields = new URLSearchParams();
  if (actor !== null) fields.set('actor', actor);
  if (at !== null) fields.set('at', String(at));
  if (other !== null) fields.set('other', String(other));
  if (view !== home.view) fields.set('view', view);
  const text = fields.toString();
  return text === '' ? '' : `#${text}`;
}

const position = (text: string | null): number | null =>
  text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
