import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectOnce, namesFor } from '@ifactor/common/nats';
import { startNats } from '@ifactor/common/testing';
import type { NatsServer } from '@ifactor/common/testing';
import { inboxPrefixOf, permissionsOf, spellPermissions } from '@ifactor/crds';
import type { Role } from '@ifactor/crds';
import type { NatsConnection } from '@nats-io/transport-node';

/** Somebody in a role of the cluster with a prefix. */
export type Member = Role & { prefix?: string | undefined };

/** A server whose users have the permissions of their roles. */
export type GuardedServer = {
  readonly nats: NatsServer;
  /** A connection in a role. */
  connect(who: Member): Promise<NatsConnection>;
  /** A connection that may do everything, by the names of the cluster with this prefix. */
  admin(prefix?: string): Promise<NatsConnection>;
  [Symbol.asyncDispose](): Promise<void>;
};

const userOf = (who: Member): string =>
  [...(who.prefix === undefined ? [] : [who.prefix]), who.role === 'node' ? who.node : who.role].join('/');

export async function startGuarded(members: readonly Member[]): Promise<GuardedServer> {
  const folder = mkdtempSync(join(tmpdir(), 'ift-guarded-'));
  const config = join(folder, 'nats.conf');
  const users = members.map((who) => {
    const permissions = spellPermissions(permissionsOf(who, namesFor(who.prefix)));
    return `{ user: "${userOf(who)}", password: "of ${userOf(who)}", permissions: ${permissions} }`;
  });
  writeFileSync(config, `authorization { users: [\n{ user: admin, password: "of admin" }\n${users.join('\n')}\n] }\n`);
  const nats = await startNats({ folder, flags: ['-c', config] });
  const connections: NatsConnection[] = [];
  async function connect(user: string, prefix: string | undefined, inboxPrefix: string): Promise<NatsConnection> {
    const login = { user, password: `of ${user}` };
    const connection = await connectOnce({ servers: nats.url, name: user, ...login, prefix, inboxPrefix });
    connections.push(connection);
    return connection;
  }
  return {
    nats,
    connect: (who) => connect(userOf(who), who.prefix, inboxPrefixOf(who)),
    admin: (prefix) => connect('admin', prefix, '_INBOX.admin.of.all'),
    async [Symbol.asyncDispose]() {
      await Promise.all(connections.map((connection) => connection.close()));
      await nats[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    },
  };
}
