import { once } from 'node:events';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { createAuthority } from '@ifactor/common/testing';
import type { Authority, CertificateFiles } from '@ifactor/common/testing';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { stringify } from 'yaml';
import { createClient } from './client.ts';
import type { Client } from './client.ts';
import { readKubeconfig } from './kubeconfig.ts';

/* Client authentication of a bridge, seen from an API server that speaks TLS and requests client certificates. */

type Seen = { authorization: string; certificate: string };
type World = { folder: string; authority: Authority; client(user?: object, cluster?: object): Promise<Client> };

async function startWorld(): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'ift-credentials-'));
  const authority = await createAuthority(folder);
  const { cert, key } = await authority.issue('server', ['127.0.0.1']);
  const files = { cert: readFileSync(cert), key: readFileSync(key), ca: readFileSync(authority.ca) };
  const server = createServer({ ...files, requestCert: true, rejectUnauthorized: false }, (request, response) => {
    const { subject } = (request.socket as TLSSocket).getPeerCertificate();
    const { authorization = '' } = request.headers;
    response.end(`${JSON.stringify({ authorization, certificate: [subject?.CN].join('') } satisfies Seen)}\n`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });
  return {
    folder,
    authority,
    async client(user, cluster = { 'certificate-authority': 'authority.ca.pem' }) {
      const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const config = {
        'current-context': 'here',
        contexts: [{ name: 'here', context: { cluster: 'c', ...(user && { user: 'u' }) } }],
        clusters: [{ name: 'c', cluster: { server: url, ...cluster } }],
        users: user ? [{ name: 'u', user }] : [],
      };
      const path = join(folder, 'config');
      writeFileSync(path, stringify(config));
      const client = createClient(await readKubeconfig(path));
      onTestFinished(() => client.close());
      return client;
    },
  };
}

const seen = (client: Client): Promise<Seen> => client.call('GET', '/version');

/** The same for a stream: watches use the same credentials as requests. */
async function seenByStream(client: Client): Promise<Seen> {
  for await (const line of client.lines('/watch', {}, () => undefined)) return JSON.parse(line) as Seen;
  throw new Error('the stream had no line');
}

/** A plug-in that gives what the file `credential` says, as often as it is run. */
function plugin({ folder }: World): { exec: object; gives: (status: object) => void } {
  const path = join(folder, 'credential');
  const gives = (status: object): void => {
    const answer = { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status };
    writeFileSync(`${path}.new`, JSON.stringify(answer));
    renameSync(`${path}.new`, path);
  };
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: 'cat',
    args: [path],
    interactiveMode: 'Never',
  };
  return { exec, gives };
}

const base64 = (path: string): string => readFileSync(path).toString('base64');
const inAnHour = (): string => new Date(Date.now() + 3_600_000).toISOString();
const pass = (milliseconds: number): void => void vi.setSystemTime(Date.now() + milliseconds);
const data = ({ cert, key }: CertificateFiles): object => ({
  clientCertificateData: readFileSync(cert, 'utf8'),
  clientKeyData: readFileSync(key, 'utf8'),
});

describe('an API server is told who asks', () => {
  afterEach(() => void vi.useRealTimers());

  test('by a token file, also after it was renewed', async () => {
    const world = await startWorld();
    writeFileSync(join(world.folder, 'token'), 'first\n');
    const client = await world.client({ tokenFile: 'token' });
    expect(await seen(client)).toEqual({ authorization: 'Bearer first', certificate: '' });
    writeFileSync(join(world.folder, 'token'), 'second\n');
    vi.useFakeTimers({ toFake: ['Date'] });
    // As client-go, the file is read again once a minute.
    pass(61_000);
    expect(await seen(client)).toMatchObject({ authorization: 'Bearer second' });
    expect(await seenByStream(client)).toMatchObject({ authorization: 'Bearer second' });
  });

  test('by a plug-in, which is asked again when what it gave has run out', async () => {
    const world = await startWorld();
    const { exec, gives } = plugin(world);
    gives({ token: 'one', expirationTimestamp: inAnHour() });
    const client = await world.client({ exec });
    expect(await seen(client)).toMatchObject({ authorization: 'Bearer one' });
    gives({ token: 'two', expirationTimestamp: new Date(Date.now() + 7_200_000).toISOString() });
    expect(await seen(client)).toMatchObject({ authorization: 'Bearer one' });
    vi.useFakeTimers({ toFake: ['Date'] });
    pass(3_601_000);
    expect(await seenByStream(client)).toMatchObject({ authorization: 'Bearer two' });
  });

  test('by the client certificate of a plug-in, and by its next one', async () => {
    const world = await startWorld();
    const { exec, gives } = plugin(world);
    gives({ ...data(await world.authority.issue('monday', [])), expirationTimestamp: inAnHour() });
    const client = await world.client({ exec });
    expect(await seen(client)).toEqual({ authorization: '', certificate: 'monday' });
    gives(data(await world.authority.issue('tuesday', [])));
    vi.useFakeTimers({ toFake: ['Date'] });
    pass(3_601_000);
    expect(await seen(client)).toMatchObject({ certificate: 'tuesday' });
    expect(await seenByStream(client)).toMatchObject({ certificate: 'tuesday' });
  });

  test('by certificate files, also after they were renewed, and by certificates in the kubeconfig', async () => {
    const world = await startWorld();
    const [old, renewed] = [await world.authority.issue('old', []), await world.authority.issue('renewed', [])];
    const client = await world.client({ 'client-certificate': 'old.pem', 'client-key': 'old.key' });
    expect(await seen(client)).toMatchObject({ certificate: 'old' });
    renameSync(renewed.cert, old.cert);
    renameSync(renewed.key, old.key);
    expect(await seen(client)).toMatchObject({ certificate: 'renewed' });
    const inline = await world.client(
      { 'client-certificate-data': base64(old.cert), 'client-key-data': base64(old.key) },
      { 'certificate-authority-data': base64(world.authority.ca) },
    );
    expect(await seenByStream(inline)).toMatchObject({ certificate: 'renewed' });
  });

  test('by a name and a password', async () => {
    const client = await (await startWorld()).client({ username: 'root', password: 'a:b' });
    expect(await seen(client)).toMatchObject({ authorization: `Basic ${Buffer.from('root:a:b').toString('base64')}` });
  });

  test('not at all, and its own certificate is checked nevertheless', async () => {
    const world = await startWorld();
    expect(await seen(await world.client())).toEqual({ authorization: '', certificate: '' });
    await createAuthority(world.folder, 'stranger');
    const refused = seen(await world.client(undefined, { 'certificate-authority': 'stranger.ca.pem' }));
    await expect(refused).rejects.toMatchObject({ cause: { code: expect.stringMatching(/CERT|SIGNATURE/) as string } });
    const unchecked = { 'certificate-authority': 'stranger.ca.pem', 'insecure-skip-tls-verify': true };
    expect(await seen(await world.client({ token: 't' }, unchecked))).toMatchObject({ authorization: 'Bearer t' });
  });
});

test('a plug-in that fails is named with what it said', async () => {
  const world = await startWorld();
  const client = await world.client({ exec: { command: 'sh', args: ['-c', 'echo log in first >&2; exit 1'] } });
  await expect(seen(client)).rejects.toMatchObject({
    message: expect.stringMatching(/^no credentials for 127\.0\.0\.1:/) as string,
    cause: { message: expect.stringContaining('log in first') as string },
  });
});
