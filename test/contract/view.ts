import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { bridge, type Client, type Target } from './target.ts';

/** How objects are looked at. */
export function viewContract({ run, ok, refused, read }: Client, target: () => Target, namespace: string): void {
  test('get prints the columns of the CRD, wide ones where asked', async () => {
    await ok(['create', '-f', '-'], bridge('g1'));
    const [head = '', row = ''] = (await ok(['get', 'nl', 'g1'])).split('\n');
    expect(head.trim().split(/\s+/)).toEqual(['NAME', 'NODE', 'INTERFACE', 'TYPE', 'STATE', 'READY', 'AGE']);
    expect(row).toMatch(/^g1 +lax1 +br0 +bridge +\d+s$/);
    const [wide = ''] = (await ok(['get', 'nl', 'g1', '-o', 'wide'])).split('\n');
    expect(wide.trim().split(/\s+/)).toEqual([
      'NAME',
      'NODE',
      'INTERFACE',
      'TYPE',
      'STATE',
      'READY',
      'AGE',
      'ADDRESSES',
      'CONTAINER',
      'MESSAGE',
    ]);
    expect(await ok(['get', 'nl', 'g1', '-o', 'yaml'])).toContain('interfaceName: br0');
  });

  test('a list in pages is whole', async () => {
    for (const name of ['page1', 'page2', 'page3'])
      await ok(['create', '-f', '-'], bridge(name, {}, { labels: { paged: 'yes' } }));
    expect(await ok(['get', 'nl', '-l', 'paged', '--chunk-size=2', '-o', 'name'])).toBe(
      ['page1', 'page2', 'page3'].map((name) => `netlinkinterface.networking.dn42.io/${name}\n`).join(''),
    );
    expect(await ok(['get', 'nl', '--field-selector', 'metadata.name=page2', '-o', 'name'])).toBe(
      'netlinkinterface.networking.dn42.io/page2\n',
    );
    expect(await refused(['get', 'nl', '--field-selector', 'spec.nonsense=1'])).toContain(
      'field label not supported: spec.nonsense',
    );
  });

  test('a watch tells what happens', async () => {
    await ok(['create', '-f', '-'], bridge('w1'));
    const child = spawn(
      target().kubectl,
      [
        '--kubeconfig',
        target().kubeconfig,
        '--cache-dir',
        `${target().kubeconfig}.cache`,
        '--namespace',
        namespace,
        'get',
        'nl',
        'w1',
        '--watch',
        '--output-watch-events',
        '--no-headers',
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    try {
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const next = async (): Promise<string> =>
        String((await lines.next()).value)
          .split(/\s+/, 2)
          .join(' ');
      expect(await next()).toBe('ADDED w1');
      await ok(['patch', 'nl', 'w1', '--type=merge', '-p', '{"spec":{"mtu":1400}}']);
      expect(await next()).toBe('MODIFIED w1');
      await ok(['delete', 'nl', 'w1']);
      expect(await next()).toBe('DELETED w1');
    } finally {
      child.kill();
    }
  });

  test('explain reads the schema', async () => {
    expect(await ok(['explain', 'nl.spec.bridge.slaves'])).toContain('enslaved');
    expect(await ok(['explain', 'wgi', '--recursive'])).toContain('persistentKeepalive');
    expect(await run(['explain', 'nl.spec.nonsense'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('nonsense'),
    });
  });

  test('describe and events show the events of an object', async () => {
    await ok(['create', '-f', '-'], bridge('ev1'));
    const { uid } = (await read('nl', 'ev1')).metadata;
    const time = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    const involvedObject = {
      apiVersion: 'networking.dn42.io/v1alpha1',
      kind: 'NetlinkInterface',
      name: 'ev1',
      namespace,
      uid,
    };
    await ok(
      ['create', '-f', '-'],
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: 'ev1.1' },
        involvedObject,
        type: 'Warning',
        reason: 'Drifted',
        message: 'healed it',
        firstTimestamp: time,
        lastTimestamp: time,
        count: 1,
        source: { component: 'ifactor' },
      }),
    );
    expect(await ok(['describe', 'nl', 'ev1'])).toMatch(/Warning +Drifted .*ifactor +healed it/);
    expect(await ok(['events', '--for', 'nl/ev1'])).toMatch(/Warning +Drifted +NetlinkInterface\/ev1 +healed it/);
    expect(
      await ok([
        'get',
        'events',
        '--field-selector',
        'reason=Drifted,type=Warning,involvedObject.name=ev1',
        '--no-headers',
      ]),
    ).toMatch(/Warning +Drifted +netlinkinterface\/ev1 +healed it/);
    expect(await ok(['get', 'events', '--field-selector', 'involvedObject.name=other', '-o', 'name'])).toBe('');
  });

  test('secrets and config maps', async () => {
    await ok(['create', 'secret', 'generic', 'key', '--from-literal=a=1', '--from-literal=b=2']);
    expect((await read('secret', 'key')).data).toEqual({ a: 'MQ==', b: 'Mg==' });
    await ok(['patch', 'secret', 'key', '-p', '{"data":{"a":null},"stringData":{"c":"3"}}']);
    expect((await read('secret', 'key')).data).toEqual({ b: 'Mg==', c: 'Mw==' });
    await ok(['create', 'configmap', 'words', '--from-literal=a=1']);
    expect(await ok(['get', 'configmap', 'words', '--no-headers'])).toMatch(/^words +1 +\d+s/);
    expect(await ok(['get', 'secret', 'key', '--no-headers'])).toMatch(/^key +Opaque +2 +\d+s/);
    expect(await refused(['patch', 'secret', 'key', '-p', '{"data":{"a":"not base64!"}}'])).not.toBe('');
  });

  test('who am I, and what may I', async () => {
    expect(await ok(['auth', 'can-i', 'create', 'nl'])).toBe('yes\n');
    expect(await ok(['auth', 'whoami'])).toContain('Username');
  });
}
