import { expect, test } from 'vitest';
import { bridge, type Client, type Target } from './target.ts';

/** How objects end: finalizers, owners, namespaces. */
export function lifecycleContract({ ok, refused, read }: Client, target: () => Target, namespace: string): void {
  test('a finalizer holds an object until it is removed', async () => {
    await ok(['create', '-f', '-'], bridge('f1', {}, { finalizers: ['networking.dn42.io/ifactor'] }));
    await ok(['delete', 'nl', 'f1', '--wait=false']);
    const { metadata } = await read('nl', 'f1');
    expect(metadata).toMatchObject({ generation: 2, deletionTimestamp: expect.any(String) });
    await ok(['delete', 'nl', 'f1', '--wait=false']);
    expect((await read('nl', 'f1')).metadata.resourceVersion).toBe(metadata.resourceVersion);
    expect(
      await refused([
        'patch',
        'nl',
        'f1',
        '--type=merge',
        '-p',
        '{"metadata":{"finalizers":["example.org/one","networking.dn42.io/ifactor"]}}',
      ]),
    ).toContain('no new finalizers can be added if the object is being deleted');
    await ok(['patch', 'nl', 'f1', '--type=merge', '-p', '{"metadata":{"finalizers":null}}']);
    expect(await refused(['get', 'nl', 'f1'])).toContain('NotFound');
  });

  test('what an owner owns goes with it', async ({ skip }) => {
    skip(!target().collectsGarbage);
    await ok(['create', '-f', '-'], bridge('owner'));
    const { uid } = (await read('nl', 'owner')).metadata;
    const ownerReferences = [
      { apiVersion: 'networking.dn42.io/v1alpha1', kind: 'NetlinkInterface', name: 'owner', uid, controller: true },
    ];
    await ok(['create', '-f', '-'], bridge('owned', {}, { ownerReferences }));
    await ok(['delete', 'nl', 'owner']);
    await ok(['wait', '--for=delete', 'nl/owned', '--timeout=60s']);
    expect(await ok(['get', 'nl', 'owned', '--ignore-not-found', '-o', 'name'])).toBe('');
  });

  test('an object of two owners stays with the second', async ({ skip }) => {
    skip(!target().collectsGarbage);
    const ownerReferences = [];
    for (const name of ['first', 'second']) {
      await ok(['create', '-f', '-'], bridge(name));
      ownerReferences.push({
        apiVersion: 'networking.dn42.io/v1alpha1',
        kind: 'NetlinkInterface',
        name,
        uid: (await read('nl', name)).metadata.uid,
      });
    }
    await ok(['create', '-f', '-'], bridge('shared', {}, { ownerReferences }));
    await ok(['delete', 'nl', 'first']);
    expect(await ok(['get', 'nl', 'shared', '-o', 'name'])).toContain('shared');
    await ok(['delete', 'nl', 'second']);
    await ok(['wait', '--for=delete', 'nl/shared', '--timeout=60s']);
  });

  test('a namespace goes with all that is in it', async ({ skip }) => {
    skip(!target().collectsGarbage);
    const other = `${namespace}-other`;
    await ok(['create', 'namespace', other]);
    await ok(['create', '-n', other, '-f', '-'], bridge('inside'));
    await ok(['delete', 'namespace', other, '--timeout=90s']);
    expect(await ok(['get', 'nl', '-n', other, '-o', 'name'])).toBe('');
    expect(await refused(['create', '-n', other, '-f', '-'], bridge('late'))).toContain(
      `namespaces "${other}" not found`,
    );
  });

  test('delete by selector takes no other', async () => {
    await ok(['create', '-f', '-'], bridge('sel1', {}, { labels: { sweep: 'yes' } }));
    await ok(['create', '-f', '-'], bridge('sel2', {}, { labels: { sweep: 'no' } }));
    expect(await ok(['delete', 'nl', '-l', 'sweep=yes'])).toContain('sel1');
    expect(await ok(['get', 'nl', '-l', 'sweep', '-o', 'name'])).toBe('netlinkinterface.networking.dn42.io/sel2\n');
  });
}
