import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { once } from 'node:events';
import { createValve } from './valve.ts';
import type { Valve } from './valve.ts';

/** A door between two programs that can be shut: open connections break, new ones are refused. */
export type Proxy = {
  readonly port: number;
  shut(): Promise<void>;
  open(): Promise<void>;
  /** What clients send and what they are sent, over all connections: a shut valve keeps bytes and breaks nothing. */
  readonly toServer: Valve;
  readonly toClient: Valve;
};

export async function startProxy(host: string, target: number): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  let port = 0;
  const [toServer, toClient] = [createValve(), createValve()];
  const listen = async (): Promise<void> => {
    server = createServer((near) => {
      const far = connect(target, host);
      for (const [from, to, valve] of [
        [near, far, toServer],
        [far, near, toClient],
      ] as const) {
        sockets.add(from);
        from.on('data', (chunk: Buffer) => valve.pass(chunk, (bytes) => void (to.destroyed || to.write(bytes))));
        from.on('error', () => to.destroy());
        from.on('close', () => {
          sockets.delete(from);
          to.destroy();
        });
      }
    }).listen(port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address !== null && typeof address === 'object') ({ port } = address);
  };
  await listen();
  return {
    get port() {
      return port;
    },
    open: listen,
    toServer,
    toClient,
    async shut() {
      const closed = new Promise((resolve) => server?.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
