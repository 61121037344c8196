import type { PageAnswer, Ask, Asks, Told } from '../../src/inspector/protocol.ts';
import { Backoff, systemClock } from '@ifactor/common';
import type { Clock } from '@ifactor/common';

/** The state of the connection. `refused`: the token is wrong, so retrying is useless. */
export type LinkState = { state: 'connecting' | 'open' | 'refused' } | { state: 'lost'; retryAt: number };

export type PageClient = {
  /** Rejects if the server returns an error or the connection is lost before the answer. */
  ask: <A extends Ask>(ask: A, request: Asks[A]['request']) => Promise<Asks[A]['answer']>;
  close: () => void;
};

/** The part of WebSocket that is used; tests inject their own. */
export type PageSocket = Pick<WebSocket, 'send' | 'close' | 'readyState' | 'addEventListener'>;

type Handlers = { onTold: (told: Told) => void; onLink: (link: LinkState) => void };

/** Close code for a token that is wrong. */
const refused = 4401;
/** In milliseconds, between two tries to reach the server. */
const retry = { first: 500, most: 10_000 };

/** Talks to the server; reconnects with back-off whenever the connection is lost. */
export function connectPage(
  open: () => PageSocket,
  { onTold, onLink }: Handlers,
  clock: Clock = systemClock,
): PageClient {
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  let socket: PageSocket;
  let number = 0;
  const backoff = new Backoff(retry);
  let cancel: (() => void) | undefined;
  let closed = false;

  function hear(text: unknown): void {
    const message = JSON.parse(String(text)) as PageAnswer | Told;
    if ('tell' in message) {
      onTold(message);
      return;
    }
    const asked = waiting.get(message.id);
    waiting.delete(message.id);
    if ('error' in message) asked?.reject(new Error(message.error));
    else asked?.resolve(message.answer as never);
  }

  function reach(): void {
    onLink({ state: 'connecting' });
    socket = open();
    socket.addEventListener('open', () => {
      backoff.reset();
      onLink({ state: 'open' });
    });
    socket.addEventListener('message', ({ data }) => hear(data));
    socket.addEventListener('close', ({ code }) => {
      for (const { reject } of waiting.values()) reject(new Error('the connection went before the answer came'));
      waiting.clear();
      if (closed) return;
      if (code === refused) {
        onLink({ state: 'refused' });
        return;
      }
      const wait = backoff.next();
      onLink({ state: 'lost', retryAt: clock.now() + wait });
      cancel = clock.after(wait, reach);
    });
  }

  reach();
  return {
    ask: (ask, request) =>
      new Promise((resolve, reject) => {
        if (socket.readyState !== 1) {
          reject(new Error('there is no connection to the server'));
          return;
        }
        const id = ++number;
        waiting.set(id, { resolve, reject });
        socket.send(JSON.stringify({ id, ask, request }));
      }),
    close() {
      closed = true;
      cancel?.();
      socket.close();
    },
  };
}
