import { expect, test } from 'vitest';
import { bridge, type Client } from './target.ts';

/** What the API server makes of metadata that a client sends as it likes, without kubectl's own checks. */
export function metadataContract({ ok, refused, read }: Client, namespace: string): void {
  const path = `/apis/networking.dn42.io/v1alpha1/namespaces/${namespace}/netlinkinterfaces`;
  const create = ['create', '--raw', path, '-f', '-'];

  test('the server sets what is its own, whatever a client forges', async () => {
    await ok(
      create,
      bridge(
        'm1',
        {},
        {
          uid: 'mine',
          generation: 9,
          creationTimestamp: '2001-01-01T00:00:00Z',
          deletionTimestamp: '2001-01-01T00:00:00Z',
          deletionGracePeriodSeconds: 5,
          selfLink: '/x',
        },
      ),
    );
    const { metadata } = await read('nl', 'm1');
    expect(metadata).toMatchObject({ name: 'm1', generation: 1 });
    for (const field of ['deletionTimestamp', 'deletionGracePeriodSeconds', 'selfLink'])
      expect(metadata).not.toHaveProperty(field);
    expect(metadata.uid).not.toBe('mine');
    expect(JSON.stringify(metadata)).not.toContain('2001');
  });

  test('the server writes managedFields itself, whatever a client forges', async () => {
    const managedFields = [
      {
        manager: 'forged',
        operation: 'Apply',
        apiVersion: 'networking.dn42.io/v1alpha1',
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:spec': {} },
      },
    ];
    await ok(create, bridge('m2', {}, { managedFields }));
    const { metadata } = await read('nl', 'm2');
    expect(metadata.managedFields?.map(({ manager }) => manager)).not.toContain('forged');
  });

  test.each([
    ['a name in capitals', { name: 'Capital' }, 'metadata.name'],
    ['a name with an underscore', { name: 'a_b' }, 'metadata.name'],
    ['a label with a malformed value', { labels: { a: '-bad-' } }, 'metadata.labels'],
    ['a label with a malformed key', { labels: { 'bad key': 'a' } }, 'metadata.labels'],
    ['an annotation with a malformed key', { annotations: { 'bad key': 'a' } }, 'metadata.annotations'],
    ['a malformed finalizer', { finalizers: ['bad finalizer'] }, 'metadata.finalizers'],
    ['a finalizer with two slashes', { finalizers: ['a/b/c'] }, 'metadata.finalizers'],
    ['an owner without uid', { ownerReferences: [{ apiVersion: 'v1', kind: 'Secret', name: 'a', uid: '' }] }, 'uid'],
  ])('refuses %s, and names the field', async (_, metadata, field) => {
    expect(await refused(create, bridge('m3', {}, metadata))).toContain(field);
  });

  test.each([
    ['labels that hold a number', { labels: { a: 1 } }],
    ['labels in a list', { labels: ['a'] }],
    ['finalizers that are objects', { finalizers: [{}] }],
  ])('refuses %s', async (_, metadata) => {
    expect(await refused(create, bridge('m4', {}, metadata))).toMatch(/BadRequest|InternalError|cannot be handled/);
  });

  test('refuses an update to malformed labels or annotations', async () => {
    await ok(create, bridge('m6'));
    for (const field of ['labels', 'annotations']) {
      const change = JSON.stringify({ metadata: { [field]: { 'bad key': 'a' } } });
      expect(await refused(['patch', 'nl', 'm6', '--type=merge', '-p', change])).toContain(`metadata.${field}`);
    }
  });

  test('a lone surrogate becomes U+FFFD', async () => {
    const sent = bridge('m5', {}, { annotations: { a: 'LONE', 'LONE.example.org/b': 'c' } });
    await ok(create, sent.replace('LONE', String.raw`x\ud800y`).replace('LONE', 'd'));
    expect((await read('nl', 'm5')).metadata.annotations).toMatchObject({ a: 'x\ufffdy', 'd.example.org/b': 'c' });
  });
}
