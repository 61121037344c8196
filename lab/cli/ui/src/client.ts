import type { Answer, Ask, Asks, Told } from '../../src/inspector/protocol.ts';
import { backoff } from './backoff.ts';

/** How the page stands to its server. `refused`: the token is wrong, trying again is of no use. */
export type LinkState = { state: 'connecting' | 'open' | 'refused' } | { state: 'lost'; retryAt: number };

export type Client = {
  /** Rejects where the server says no, or the connection goes before it has answered. */
  ask: <A extends Ask>(ask: A, request: Asks[A]['request']) => Promise<Asks[A]['answer']>;
  close: () => void;
};

/** The socket as far as it is used; a test hands in its own. */
export type Socket = Pick<WebSocket, 'send' | 'close' | 'readyState' | 'addEventListener'>;

type Handlers = { onTold: (told: Told) => void; onLink: (link: LinkState) => void };

/** Close code for a token that is wrong. */
const refused = 4401;

/** Speaks to the server, and reaches for it again whenever it goes, ever more patiently. */
export function connect(open: () => Socket, { onTold, onLink }: Handlers): Client {
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  let socket: Socket;
  let number = 0;
  let attempt = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;

  function hear(text: unknown): void {
    const message = JSON.parse(String(text)) as Answer | Told;
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
      attempt = 0;
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
      const wait = backoff(attempt++);
      onLink({ state: 'lost', retryAt: Date.now() + wait });
      timer = setTimeout(reach, wait);
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
      clearTimeout(timer);
      socket.close();
    },
  };
}
