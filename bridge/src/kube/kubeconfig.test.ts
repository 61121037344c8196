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

test('certificates and tokens, inline and as files beside the kubeconfig', async () => {
  writeFileSync(join(folder, 'ca.crt'), 'the ca');
  writeFileSync(join(folder, 'token'), 'first\n');
  const ca = Buffer.from('inline').toString('base64');
  const inline = await readKubeconfig(
    file({ server: 'https://[::1]:6443/base', 'certificate-authority-data': ca }, { token: 't' }),
  );
  expect(inline.server.href).toBe('https://[::1]:6443/base');
  expect(await inline.options()).toEqual({ ca: Buffer.from('inline'), headers: { authorization: 'Bearer t' } });

  const files = await readKubeconfig(
    file({ server: 'https://x', 'certificate-authority': 'ca.crt' }, { tokenFile: 'token' }),
  );
  expect(await files.options()).toEqual({ ca: Buffer.from('the ca'), headers: { authorization: 'Bearer first' } });
  writeFileSync(join(folder, 'token'), 'second');
  expect(await files.options()).toMatchObject({ headers: { authorization: 'Bearer second' } });
});

test('an exec plugin is asked for the token', async () => {
  const answer = {
    apiVersion: 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    status: { token: 'from-plugin' },
  };
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: 'printf',
    args: ['%s', JSON.stringify(answer)],
    interactiveMode: 'Never',
  };
  const access = await readKubeconfig(file({ server: 'https://x' }, { exec }));
  expect((await access.options()).headers).toMatchObject({ Authorization: 'Bearer from-plugin' });
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
    /cannot read none/,
  ],
])('a file that %s is refused in words', async (_what, path, message) => {
  const refused = readKubeconfig(path());
  await expect(refused).rejects.toThrow(UsageError);
  await expect(refused).rejects.toThrow(message);
});
