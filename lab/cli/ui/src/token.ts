const place = 'ifactor.token';

/** What is needed of the window; a test hands in its own. */
export type TokenWindow = {
  location: Pick<Location, 'href'>;
  history: Pick<History, 'replaceState' | 'state'>;
  sessionStorage: Pick<Storage, 'getItem' | 'setItem'>;
};

/**
 * The token that the server requires, from the address (`?token=…`). It is then removed there, so that it is neither copied
 * along nor left in the history; a later load of the same tab finds it in the session's storage.
 */
export function takeToken(window: TokenWindow): string | null {
  const address = new URL(window.location.href);
  const token = address.searchParams.get('token');
  if (token === null) return window.sessionStorage.getItem(place);
  window.sessionStorage.setItem(place, token);
  address.searchParams.delete('token');
  window.history.replaceState(window.history.state, '', `${address.pathname}${address.search}${address.hash}`);
  return token;
}
