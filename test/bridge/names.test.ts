import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { createClient, readKubeconfig } from '@ifactor/bridge';
import type { Client, KubeObject } from '@ifactor/bridge';
import { startNats, until } from '@ifactor/common/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startLabServer } from './api.ts';
import { runKernelAgent } from './kernel.ts';
import type { KernelAgent } from './kernel.ts';
import { startBridge } from './world.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/* The longest names that Kubernetes takes, and names that JavaScript objects have: from the API server to the kernel, and in every command. */

const main = resolve(import.meta.dirname, '../../lab/cli/src/main.ts');
const node = `${'node.'.repeat(50)}end`;
const cases = [
  { what: '253 letters', namespace: 's'.repeat(63), name: `${'name.'.repeat(50)}end`, link: 'fifteen-letters' },
  { what: 'constructor', namespace: 'constructor', name: 'constructor', link: '__proto__' },
] as const;

const stack = new AsyncDisposableStack();
let url: string;
let client: Client;
let agent: KernelAgent;

const path = (plural: string, namespace: string, name = ''): string =>
  `/apis/networking.dn42.io/v1alpha1/namespaces/${namespace}/${plural}${name && `/${name}`}`;

async function ifactor(...words: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [main, ...words, '--nats', url], {
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout;
}

const stateOf = async (plural: string, namespace: string, name: string): Promise<unknown> => {
  const { status } = await client.call<KubeObject>('GET', path(plural, namespace, name));
  return status?.['state'];
};

beforeAll(async () => {
  expect([node.length, cases[0].name.length]).toEqual([253, 253]);
  const nats = stack.use(await startNats());
  url = nats.url;
  const api = await startLabServer();
  stack.defer(() => api.stop());
  client = createClient(await readKubeconfig(api.kubeconfig));
  stack.defer(() => client.close());
  const bridge = startBridge(api.kubeconfig, url, 'test', []);
  stack.defer(async () => void (await bridge.end('SIGKILL')));
  agent = runKernelAgent(url, '--node', node);
  stack.defer(() => agent.end());
  for (const { namespace } of cases) {
    await client.call('POST', '/api/v1/namespaces', {
      body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    });
  }
});
afterAll(() => stack.disposeAsync());

const apiVersion = 'networking.dn42.io/v1alpha1';

for (const { what, namespace, name, link } of cases) {
  test(`${what}: an interface is made, told, paused, replayed and deleted`, async () => {
    const spec = { node, interfaceName: link, type: 'bridge', up: true };
    await client.call('POST', path('netlinkinterfaces', namespace), {
      body: { apiVersion, kind: 'NetlinkInterface', metadata: { name }, spec },
    });
    await until(
      async () => (await stateOf('netlinkinterfaces', namespace, name)) === 'configured',
      'it to be made',
      60_000,
    );
    expect(Object.keys(agent.links())).toContain(link);
    const object = `nl/${namespace}/${name}`;
    expect(await ifactor('events', object, '--json')).toContain('"LinkCreated"');
    expect(await ifactor('events', '--node', node)).toContain('created link');
    expect(await ifactor('replay', object, '--verify', '--node', node)).toMatch(/equal|same|verified|1 of 1/i);
    expect(await ifactor('trace', object)).toContain('LinkCreated');
    await ifactor('pause', object, '--reason', 'a test');
    await until(
      async () =>
        JSON.stringify(await client.call('GET', path('netlinkinterfaces', namespace, name))).includes('a test'),
      'the pause to be told',
      60_000,
    );
    await ifactor('resync', object, '--node', node);
    await ifactor('resume', object);
    await client.call('DELETE', path('netlinkinterfaces', namespace, name));
    await until(() => !Object.keys(agent.links()).includes(link), 'its link to be gone', 60_000);
    await until(
      () =>
        client.call('GET', path('netlinkinterfaces', namespace, name)).then(
          () => false,
          () => true,
        ),
      'the object to be gone',
      60_000,
    );
  });

  test(`${what}: a tunnel has a key, which is purged by name`, async () => {
    const spec = { node, interfaceName: `w${link.slice(1)}` };
    const make = (): Promise<unknown> =>
      client.call('POST', path('wireguardinterfaces', namespace), {
        body: { apiVersion, kind: 'WireGuardInterface', metadata: { name }, spec },
      });
    await make();
    await until(
      async () => (await stateOf('wireguardinterfaces', namespace, name)) === 'configured',
      'the tunnel',
      60_000,
    );
    await client.call('DELETE', path('wireguardinterfaces', namespace, name));
    await until(
      () =>
        client.call('GET', path('wireguardinterfaces', namespace, name)).then(
          () => false,
          () => true,
        ),
      'the tunnel to be gone',
      60_000,
    );
    expect(await ifactor('keys', 'purge', `wgi/${namespace}/${name}`)).toMatch(/purged|destroyed|1 key/i);
  });
}

test('a node of 253 letters that lives is not forgotten', async () => {
  await expect(ifactor('node', 'forget', node)).rejects.toMatchObject({
    stderr: expect.stringContaining(node) as string,
  });
});
