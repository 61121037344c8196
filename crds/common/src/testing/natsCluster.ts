import { freePort } from './freePort.ts';
import { startNats } from './natsServer.ts';
import type { NatsServer } from './natsServer.ts';

/** Three nats-servers on loopback that form a cluster. */
export type NatsCluster = {
  readonly servers: readonly NatsServer[];
  /** Addresses of all, separated by commas. */
  readonly url: string;
  /** The server with a name that JetStream reports, such as a stream's leader. */
  named(name: string): NatsServer;
  [Symbol.asyncDispose](): Promise<void>;
};

export async function startNatsCluster(): Promise<NatsCluster> {
  const ports = await Promise.all([freePort(), freePort(), freePort()]);
  const routes = ports.map((port) => `nats://127.0.0.1:${port}`).join(',');
  const names = ports.map((_, at) => `server${at + 1}`);
  const servers = await Promise.all(
    ports.map((port, at) =>
      startNats({
        flags: ['--name', names[at] ?? '', '--cluster_name', 'ift', '--routes', routes].concat(
          '--cluster',
          `nats://127.0.0.1:${port}`,
        ),
      }),
    ),
  );
  return {
    servers,
    url: servers.map(({ url }) => url).join(','),
    named(name) {
      const server = servers[names.indexOf(name)];
      if (server === undefined) throw new Error(`no server is named ${name}`);
      return server;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
    },
  };
}
