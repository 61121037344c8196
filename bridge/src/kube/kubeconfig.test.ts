import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '@ifactor/common';
import { afterAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { readKubeconfig } from './kubeconfig.ts';

const folder = mkdtempSync(join(tmpdir(), 'ift-kubeconfig-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(cluster: object, user: object): string {
  const path = join(folder, 'config');
  const config = {
    'current-context': 'here',
    contexts: [
      { name: 'other', context: { cluster: 'none' } },
      { name: 'here', context: { cluster: 'c', user: 'u' } },
    ],
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user }],
  };
  writeFileSync(path, stringify(config));
  return path;
}

test('the server and its authority are taken from the current context', async () => {
  const ca = Buffer.from('inline').toString('base64');
  const { server, options } = await readKubeconfig(
    file({ server: 'https://[::1]:6443/base', 'certificate-authority-data': ca }, { token: 't' }),
  );
  expect(server.href).toBe('https://[::1]:6443/base');
  expect(await options()).toEqual({ ca: Buffer.from('inline'), headers: { Authorization: 'Bearer t' } });
});

test('a server on the loopback interface may be spoken to without TLS', async () => {
  const access = await readKubeconfig(file({ server: 'http://127.0.0.1:8080' }, { token: 't' }));
  expect((await access.options()).headers).toEqual({ Authorization: 'Bearer t' });
});

test('a proxy is connected to by an agent of its own', async () => {
  const access = await readKubeconfig(file({ server: 'https://x', 'proxy-url': 'http://127.0.0.1:3128' }, {}));
  expect((await access.options()).agent).toBeDefined();
});

test.each([
  ['is not there', () => join(folder, 'none'), /cannot read the kubeconfig/],
  ['names no server', () => file({}, {}), /names no server/],
  [
    'would send a token over plain text',
    () => file({ server: 'http://192.0.2.1:8080' }, { token: 'secret' }),
    /^credentials are not sent to 192\.0\.2\.1:8080 over plain text: give https:\/\/ in the kubeconfig/,
  ],
  [
    'would send what a plugin says over plain text',
    () => file({ server: 'http://api.example' }, { exec: {} }),
    /not sent to api\.example over plain text/,
  ],
  [
    'names a file that is not there',
    () => file({ server: 'https://x', 'certificate-authority': 'none' }, {}),
    /cannot read \S+none, named in the kubeconfig/,
  ],
])('a file that %s is refused in words', async (_what, path, message) => {
  const refused = readKubeconfig(path());
  await expect(refused).rejects.toThrow(UsageError);
  await expect(refused).rejects.toThrow(message);
});
