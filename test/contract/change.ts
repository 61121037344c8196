import { expect, test } from 'vitest';
import { bridge, type Client } from './target.ts';

/** How objects are changed in place, and what a change counts as. */
export function changeContract({ ok, refused, read }: Client): void {
  test('merge and json patches of the spec count a generation, no change counts nothing', async () => {
    await ok(['create', '-f', '-'], bridge('p1'));
    await ok(['patch', 'nl', 'p1', '--type=merge', '-p', '{"spec":{"mtu":1400}}']);
    await ok([
      'patch',
      'nl',
      'p1',
      '--type=json',
      '-p',
      '[{"op":"test","path":"/spec/mtu","value":1400},{"op":"replace","path":"/spec/mtu","value":1401}]',
    ]);
    const before = await read('nl', 'p1');
    expect([before.metadata.generation, before.spec.mtu]).toEqual([3, 1401]);
    await ok(['patch', 'nl', 'p1', '--type=merge', '-p', '{"spec":{"mtu":1401}}']);
    expect((await read('nl', 'p1')).metadata.resourceVersion).toBe(before.metadata.resourceVersion);
    await refused(['patch', 'nl', 'p1', '--type=json', '-p', '[{"op":"test","path":"/spec/mtu","value":1}]']);
  });

  test('a strategic patch of a custom resource is refused', async () => {
    await ok(['create', '-f', '-'], bridge('p2'));
    expect(await refused(['patch', 'nl', 'p2', '--type=strategic', '-p', '{"spec":{"mtu":1400}}'])).toMatch(
      /strategic-merge-patch\+json is not supported|UnsupportedMediaType/,
    );
  });

  test('status is written through its subresource only, and counts no generation', async () => {
    await ok(['create', '-f', '-'], bridge('st1', {}, {}));
    const status = {
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'Configured',
          message: 'up',
          lastTransitionTime: '2025-01-01T00:00:00Z',
        },
      ],
    };
    await ok(['patch', 'nl', 'st1', '--type=merge', '-p', JSON.stringify({ status })]);
    expect(await read('nl', 'st1')).not.toHaveProperty('status.conditions');
    await ok([
      'patch',
      'nl',
      'st1',
      '--subresource=status',
      '--type=merge',
      '-p',
      JSON.stringify({ status, spec: { mtu: 1 } }),
    ]);
    const after = await read('nl', 'st1');
    expect(after.status).toMatchObject(status);
    expect(after.spec).not.toHaveProperty('mtu');
    expect(after.metadata.generation).toBe(1);
    expect(after.metadata.managedFields?.some(({ subresource }) => subresource === 'status')).toBe(true);
    expect(await ok(['wait', '--for=condition=Ready', '--timeout=20s', 'nl/st1'])).toContain('condition met');
  });

  test('status is applied by a manager of its own', async () => {
    // Newer kubectls have the flag; the server is the same whoever asks.
    if (!(await ok(['apply', '--help'])).includes('--subresource')) return;
    await ok(['create', '-f', '-'], bridge('st2'));
    const apply = (state: string | undefined): Promise<string> =>
      ok(
        ['apply', '--server-side', '--subresource=status', '--field-manager=ifactor', '-f', '-'],
        JSON.stringify({
          apiVersion: 'networking.dn42.io/v1alpha1',
          kind: 'NetlinkInterface',
          metadata: { name: 'st2' },
          status: { nodename: 'lax1', ...(state === undefined ? {} : { state }) },
        }),
      );
    await apply('configured');
    expect((await read('nl', 'st2')).status).toEqual({ nodename: 'lax1', state: 'configured' });
    await apply(undefined);
    const { metadata, status } = await read('nl', 'st2');
    expect(status).toEqual({ nodename: 'lax1' });
    expect(metadata.managedFields).toContainEqual(
      expect.objectContaining({ manager: 'ifactor', operation: 'Apply', subresource: 'status' }),
    );
  });

  test('labels and annotations count no generation', async () => {
    await ok(['create', '-f', '-'], bridge('l1'));
    await ok(['label', 'nl', 'l1', 'tier=edge']);
    await ok(['annotate', 'nl', 'l1', 'note=mine']);
    const { metadata } = await read('nl', 'l1');
    expect([metadata.generation, metadata.labels, metadata.annotations]).toEqual([
      1,
      { tier: 'edge' },
      { note: 'mine' },
    ]);
    expect(await ok(['get', 'nl', '-l', 'tier in (edge)', '-o', 'name'])).toBe(
      'netlinkinterface.networking.dn42.io/l1\n',
    );
    expect(await ok(['get', 'nl', '-l', 'tier=core', '-o', 'name'])).toBe('');
    await ok(['label', 'nl', 'l1', 'tier-']);
    expect((await read('nl', 'l1')).metadata.labels).toBeUndefined();
  });

  test('edit saves what the editor leaves', async () => {
    await ok(['create', '-f', '-'], bridge('e1', { mtu: 1400 }));
    process.env['KUBE_EDITOR'] = 'sed -i s/1400/1300/';
    try {
      expect(await ok(['edit', 'nl', 'e1'])).toContain('edited');
    } finally {
      delete process.env['KUBE_EDITOR'];
    }
    expect((await read('nl', 'e1')).spec.mtu).toBe(1300);
  });

  test('scale is refused', async () => {
    await ok(['create', '-f', '-'], bridge('sc1'));
    expect(await refused(['scale', 'nl', 'sc1', '--replicas=2'])).not.toBe('');
  });

  test('the rules of the schema hold on updates', async () => {
    await ok(['create', '-f', '-'], bridge('c1'));
    expect(await refused(['patch', 'nl', 'c1', '--type=merge', '-p', '{"spec":{"node":"lax2"}}'])).toContain('spec');
    expect(await refused(['patch', 'nl', 'c1', '--type=merge', '-p', '{"spec":{"mtu":"x"}}'])).toContain(
      'spec.mtu in body must be of type integer: "string"',
    );
    expect(await refused(['patch', 'nl', 'c1', '--type=merge', '-p', '{"spec":{"type":"tun"}}'])).toContain(
      'spec.type: Unsupported value: "tun"',
    );
  });
}
