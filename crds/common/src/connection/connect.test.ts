import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nkeys } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';

import { describe, expect, onTestFinished, test } from 'vitest';
import { createLog, explain } from '../log.ts';
import { createAuthority } from '../testing/certificates.ts';
import { startNats } from '../testing/natsServer.ts';
import type { NatsServer } from '../testing/natsServer.ts';
import { connect, connectOnce } from './connect.ts';
import type { NatsOptions } from './options.ts';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'ift-tls-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

async function serve(...flags: string[]): Promise<NatsServer> {
  const nats = await startNats({ flags });
  onTestFinished(() => nats[Symbol.asyncDispose]());
  return nats;
}

async function attempt(options: Omit<NatsOptions, 'name'>): Promise<NatsConnection> {
  const connection = await connectOnce({ name: 'test', ...options });
  onTestFinished(() => connection.close());
  return connection;
}

const failure = (options: Omit<NatsOptions, 'name'>): Promise<string> =>
  attempt(options).then(() => 'connected', explain);

const isEncrypted = async (connection: NatsConnection): Promise<boolean> => {
  await connection.flush();
  return connection.info?.tls_required === true;
};

async function secured({ hosts = ['localhost', '127.0.0.1'], validity = 'current', verify = false } = {}) {
  const path = folder();
  const authority = await createAuthority(path);
  const server = await authority.issue('server', hosts, validity === 'current' ? 'current' : 'expired');
  const nats = await serve(
    '--tls',
    '--tlscert',
    server.cert,
    '--tlskey',
    server.key,
    '--user',
    'u',
    '--pass',
    'secret',

    ...(verify ? ['--tlsverify', '--tlscacert', authority.ca] : []),
  );
  const login = { user: 'u', password: 'secret', ca: authority.ca };
  return { path, authority, server, login, url: `tls://127.0.0.1:${nats.port}`, port: nats.port };
}

describe('a server with TLS', () => {
  test('is reached by tls://, and by nats:// with an authority, by address and by name', async () => {
    const { url, port, login } = await secured();
    for (const servers of [
      url,
      `tls://localhost:${port}`,
      `nats://localhost:${port}`,
      `tls://u:secret@localhost:${port}`,
    ])
      expect(await isEncrypted(await attempt({ servers, ...login })), servers).toBe(true);
  });

  test('is not believed by the certificate of a stranger, of another host, or one that expired', async () => {
    const { url, port, login, path } = await secured({ hosts: ['127.0.0.1'] });
    const stranger = await createAuthority(path, 'stranger');
    expect(await failure({ servers: url, ...login, ca: stranger.ca })).toMatch(
      /^no known authority signed the certificate of tls:\/\/127\.0\.0\.1:\d+; check --nats-ca/,
    );
    expect(await failure({ servers: `tls://localhost:${port}`, ...login })).toMatch(
      /^the certificate of .* is for another host/,
    );
    const expired = await secured({ validity: 'expired' });
    expect(await failure({ servers: expired.url, ...expired.login })).toMatch(/^the certificate of .* has expired/);
    expect(await failure({ servers: url, user: 'u', password: 'secret' })).toMatch(/^no known authority/);
  });

  test('is not believed at an address by a certificate for localhost', async () => {
    const { url, login } = await secured({ hosts: ['localhost'] });
    expect(await failure({ servers: url, ...login })).toMatch(/is for another host/);
  });

  test('that wants a client certificate gets it', async () => {
    const { url, login, authority } = await secured({ verify: true });
    expect(await failure({ servers: url, ...login, timeoutMs: 2000 })).toMatch(
      /did not accept the TLS connection; if it wants a client certificate/,
    );
    const { cert, key } = await authority.issue('client', ['client.example']);
    expect(await isEncrypted(await attempt({ servers: url, ...login, cert, key }))).toBe(true);
    expect(await failure({ servers: url, ...login, cert })).toMatch(/^a client certificate for NATS needs both/);
  });

  test('that shakes hands first is reached so', async () => {
    const { path, server, login } = await secured();
    const config = join(path, 'first.conf');
    writeFileSync(config, `tls { cert_file: "${server.cert}", key_file: "${server.key}", handshake_first: true }`);
    const first = await serve('-c', config);
    const servers = `tls://127.0.0.1:${first.port}`;
    expect(await isEncrypted(await attempt({ servers, ca: login.ca, tlsFirst: true }))).toBe(true);
  });

  test('is not reached without TLS, and says what to give', async () => {
    const { port } = await secured();
    const said = await failure({ servers: `nats://localhost:${port}`, user: 'u', password: 'secret' });
    expect(said).toMatch(/^no known authority signed the certificate/);
  });
});

describe('a server without TLS', () => {
  test('is refused by whoever asks for TLS', async () => {
    const nats = await serve();
    expect(await failure({ servers: `tls://127.0.0.1:${nats.port}` })).toMatch(/does not speak TLS/);
    expect(await failure({ servers: `tls://127.0.0.1:${nats.port}`, tlsFirst: true })).toMatch(
      /does not begin with TLS/,
    );
  });

  test('is given credentials on the loopback only', async () => {
    const nats = await serve('--user', 'u', '--pass', 'secret');
    expect((await attempt({ servers: `nats://u:secret@127.0.0.1:${nats.port}` })).isClosed()).toBe(false);
    const path = folder();
    const creds = join(path, 'a.creds');
    writeFileSync(creds, '');
    for (const login of [{ user: 'u', password: 'secret' }, { token: 'secret' }, { creds }, { nkey: creds }]) {
      const said = await failure({ servers: 'nats://nats.example:4222', ...login });
      expect(said).toMatch(
        /^credentials are not sent to nats\.example over plain text: give tls:\/\/nats\.example:PORT/,
      );
    }
    expect(await failure({ servers: 'nats://u:secret@192.0.2.1' })).toMatch(/not sent to 192\.0\.2\.1 over plain text/);
    expect(await failure({ servers: 'nats://127.0.0.1,nats://192.0.2.1', token: 'secret' })).toMatch(/not sent to 192/);
  });

  test('is waited for, and its password is not logged', async () => {
    const lines: string[] = [];
    const stop = new AbortController();
    const log = createLog('test', 'info', (line) => {
      lines.push(line);
      stop.abort(new Error('enough'));
    });
    await expect(connect({ servers: 'nats://u:secret@127.0.0.1:1', name: 'test' }, log, stop.signal)).rejects.toThrow(
      'refused',
    );
    expect(lines.join('')).toMatch(/waiting for NATS at nats:\/\/127\.0\.0\.1:1 /);
    expect(lines.join('')).not.toMatch(/secret/);
  });

  test('knows an nkey by the seed in a file', async () => {
    const path = folder();
    const user = nkeys.createUser();
    writeFileSync(join(path, 'seed'), `${new TextDecoder().decode(user.getSeed())}\n`, { mode: 0o600 });
    writeFileSync(join(path, 'nats.conf'), `authorization { users: [{ nkey: ${user.getPublicKey()} }] }`);
    const nats = await serve('-c', join(path, 'nats.conf'));
    const servers = `nats://127.0.0.1:${nats.port}`;
    expect((await attempt({ servers, nkey: join(path, 'seed') })).isClosed()).toBe(false);
    expect(await failure({ servers })).toMatch(/Authorization Violation/i);
    expect(await failure({ servers, nkey: join(path, 'none') })).toMatch(/^cannot read the NATS nkey/);
  });
});
