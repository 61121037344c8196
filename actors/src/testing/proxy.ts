import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** A TCP proxy that can break connections in unpleasant ways. */
export type Proxy = {
  readonly port: number;
  /**
   * Breaks every connection towards the clients, and holds back what they had sent; the result lets those bytes go to
   * the server, late, and returns when it has had them.
   */
  breakHolding(): () => Promise<void>;
  /** From now on bytes from clients are held back without closing the connection. */
  hold(): void;
  stop(): Promise<void>;
};

/** Forwards a free loopback port to another one. */
export async function startProxy(target: number): Promise<Proxy> {
  let pairs: { client: Socket; server: Socket; held: Buffer[]; ended: boolean }[] = [];
  let holding = false;
  const listener = createServer((client) => {
    const pair = { client, server: connect(target, '127.0.0.1'), held: [] as Buffer[], ended: false };
    const { server } = pair;
    pairs.push(pair);
    client.on('data', (bytes) => void (holding ? pair.held.push(bytes) : server.write(bytes)));
    server.on('data', (bytes) => void (client.destroyed || client.write(bytes)));
    client.on('error', () => undefined).on('close', () => pair.ended || server.destroy());
    server.on('error', () => undefined).on('close', () => client.destroy());
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    port: (listener.address() as AddressInfo).port,
    hold: () => {
      holding = true;
    },
    breakHolding: () => {
      const broken = pairs;
      pairs = [];
      holding = false;
      for (const pair of broken) {
        pair.ended = true;
        pair.client.destroy();
      }
      return async () => {
        for (const { server, held } of broken) {
          if (server.destroyed) continue;
          // The server answers a PING only after it has read what came before.
          const pong = once(server, 'data');
          server.write(Buffer.concat([...held, Buffer.from('PING\r\n')]));
          await pong;
          server.destroy();
        }
      };
    },
    stop: async () => {
      for (const { client, server } of pairs) {
        client.destroy();
        server.destroy();
      }
      listener.close();
      await once(listener, 'close');
    },
  };
}
