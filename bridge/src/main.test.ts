import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { freePort, startNats } from '@ifactor/common/testing';

const folder = mkdtempSync(join(tmpdir(), 'ift-bridge-'));
afterAll(() => rmSync(folder, { recursive: true }));
const main = join(import.meta.dirname, 'main.ts');
const env = { ...process.env };
for (const name of [
  'KUBECONFIG',
  'NATS_URL',
  'NATS_CREDS',
  'NATS_USER',
  'NATS_TOKEN',
  'NATS_NKEY',
  'KUBERNETES_SERVICE_HOST',
  'DEBUG',
])
  delete env[name];

function start(...args: string[]) {
  const child = spawn(process.execPath, [main, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const hear = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const exit = once(child, 'close').then(([code]) => ({ code: code as number | null, output }));
  return {
    exit,
    async until(pattern: RegExp): Promise<void> {
      while (!pattern.test(output))
        await Promise.race([
          once(child.stderr, 'data'),
          exit.then(({ output: all }) => Promise.reject(new Error(`ended: ${all}`))),
        ]);
    },
    stop: () => child.kill('SIGTERM'),
  };
}

async function unreachableKubeconfig(): Promise<string> {
  const file = join(folder, 'config');
  const server = `http://127.0.0.1:${await freePort()}`;
  writeFileSync(
    file,
    JSON.stringify({
      'current-context': 'c',
      contexts: [{ name: 'c', context: { cluster: 'c' } }],
      clusters: [{ name: 'c', cluster: { server } }],
    }),
  );
  return file;
}

test('--help shows how to use it', async () => {
  const { code, output } = await start('--help').exit;
  expect(code).toBe(0);
  expect(output).toContain('ifactor-bridge --kubeconfig ~/.kube/config');
});

test('--version is one line', async () => {
  const { code, output } = await start('--version').exit;
  expect(code).toBe(0);
  expect(output).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test.each([
  ['an unknown flag', ['--bogus'], /unknown option '--bogus'/],
  ['an unknown level', ['--log-level', 'loud'], /Allowed choices are debug, info, warn, error/],
  ['no API server', [], /give --kubeconfig FILE or set KUBECONFIG/],
  ['a kubeconfig that is not there', ['--kubeconfig', '/nonexistent/config'], /cannot read the kubeconfig/],
])('%s is one line and exit code 2', async (_what, args, message) => {
  const { code, output } = await start(...args).exit;
  expect(code).toBe(2);
  expect(output).toMatch(message);
  expect(output.trim().split('\n')).toHaveLength(1);
});

test('credentials for a NATS server elsewhere are not sent over plain text', async () => {
  const address = 'nats://u:secret@192.0.2.1:4222';
  const { code, output } = await start('--kubeconfig', await unreachableKubeconfig(), '--nats', address).exit;
  expect(code).toBe(2);
  expect(output).toMatch(/^ifactor-bridge: credentials are not sent to 192\.0\.2\.1 over plain text: give tls:/);
  expect(output).not.toMatch(/secret/);
});

test('it waits for NATS in one line, and can be asked to stop meanwhile', async () => {
  const bridge = start('--kubeconfig', await unreachableKubeconfig(), '--nats', `nats://127.0.0.1:${await freePort()}`);
  await bridge.until(/waiting for NATS/);
  bridge.stop();
  const { code, output } = await bridge.exit;
  expect(code).toBe(0);
  expect(
    output
      .trim()
      .split('\n')
      .filter((line) => line.includes('waiting')),
  ).toHaveLength(1);
});

test('it waits for the API server in one line, and can be asked to stop meanwhile', async () => {
  await using nats = await startNats();
  const bridge = start('--kubeconfig', await unreachableKubeconfig(), '--nats', nats.url);
  await bridge.until(/waiting for the API server/);
  bridge.stop();
  const { code, output } = await bridge.exit;
  expect(code).toBe(0);
  expect(
    output
      .trim()
      .split('\n')
      .filter((line) => line.includes('waiting')),
  ).toHaveLength(1);
  expect(output).not.toMatch(/^\s+at /m);
});
