import { describe, expect, test } from 'vitest';
import { answered, ApiError } from '../kube/error.ts';
import type { KubeObject } from '../kube/object.ts';
import type { KubeApi, NewObject, WatchEvent } from '../kube/port.ts';
import { resourceOf } from '../kube/resource.ts';
import { setFinalizers, writeStatus } from '../kube/write.ts';

const resource = resourceOf('NetlinkInterface');
const namespace = 'default';
const fieldManager = 'ifactor';

const link = (name: string, metadata: object = {}): NewObject => ({
  metadata: { name, namespace, ...metadata },
  spec: { node: 'lax1', interfaceName: 'br0', type: 'bridge', up: true },
});

/** The contract of every KubeApi. `open` returns one without objects of ours. */
export function kubeSuite(name: string, open: () => Promise<KubeApi>): void {
  describe(`${name} as the bridge's Kubernetes`, () => {
    test('an object is created once, read, and told from one that is not there', async () => {
      const api = await open();
      const made = await api.create(resource, link('a'), { fieldManager });
      expect(made).toMatchObject({ kind: 'NetlinkInterface', metadata: { name: 'a', namespace, generation: 1 } });
      await expect(api.create(resource, link('a'))).rejects.toMatchObject({ code: 409, reason: 'AlreadyExists' });
      expect((await api.get(resource, { namespace, name: 'a' }))?.metadata.uid).toBe(made.metadata.uid);
      expect(await api.get(resource, { namespace, name: 'b' })).toBeUndefined();
    });

    test('a list is complete over its pages and says from where to watch', async () => {
      const api = await open();
      for (const each of ['a', 'b', 'c', 'd', 'e']) await api.create(resource, link(each));
      const names: string[] = [];
      let pages = 0;
      for (let from: string | undefined; ;) {
        const page = await api.list(resource, { limit: 2, from });
        pages++;
        names.push(...page.items.map(({ metadata }) => metadata.name));
        expect(page.resourceVersion).toMatch(/^\d+$/);
        from = page.next;
        if (from === undefined) break;
      }
      expect(names).toEqual(['a', 'b', 'c', 'd', 'e']);
      expect(pages).toBe(3);
    });

    test('a watch tells each change once, in order, after the version it was asked from', async () => {
      const api = await open();
      await api.create(resource, link('before'));
      const { resourceVersion } = await api.list(resource, { limit: 10 });
      const stop = new AbortController();
      const seen: string[] = [];
      const opened = Promise.withResolvers<void>();
      const all = Promise.withResolvers<void>();
      const tell = ({ type, object }: WatchEvent): void => {
        if (type === 'BOOKMARK') return;
        seen.push(`${type} ${object.metadata.name}`);
        if (type === 'DELETED') all.resolve();
      };
      const options = { resourceVersion, timeoutSeconds: 60, signal: stop.signal };
      const watching = (async () => {
        for await (const event of api.watch(resource, options, opened.resolve)) tell(event);
      })().catch(() => undefined);
      await opened.promise;
      const made = await api.create(resource, link('a'));
      await api.merge(resource, made.metadata, { spec: { mtu: 1400 } });
      await api.delete(resource, { namespace, name: 'a', uid: made.metadata.uid });
      await all.promise;
      stop.abort();
      await watching;
      expect(seen).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a']);
    });

    test('a write to another version or another life is refused', async () => {
      const api = await open();
      const first = await api.create(resource, link('a'));
      const second = await api.merge(resource, first.metadata, { spec: { mtu: 1400 } });
      expect(second.metadata.generation).toBe(2);
      const stale = { metadata: { resourceVersion: first.metadata.resourceVersion, finalizers: ['example.com/x'] } };
      const conflict = { code: 409, reason: 'Conflict' };
      await expect(api.merge(resource, first.metadata, stale)).rejects.toMatchObject(conflict);
      // Some servers return Conflict, others Invalid.
      await expect(api.merge(resource, first.metadata, { metadata: { uid: 'other' } })).rejects.toThrow(/\buid\b/i);
      await expect(api.replace(resource, first as NewObject & KubeObject)).rejects.toMatchObject(conflict);
      await expect(api.delete(resource, { namespace, name: 'a', uid: 'other' })).rejects.toMatchObject({ code: 409 });
      const replaced = await api.replace(resource, { ...second, spec: link('a')['spec'] });
      expect(replaced.spec).not.toHaveProperty('mtu');
      expect(replaced.metadata.generation).toBe(3);
    });

    test('a status is written whole, and leaves the generation alone', async () => {
      const api = await open();
      const { metadata } = await api.create(resource, link('a'));
      const { uid } = metadata;
      const write = (status: object): Promise<KubeObject> =>
        api.writeStatus(resource, { name: 'a', namespace, uid }, status, { fieldManager });
      await write({ state: 'pending', hostname: 'x' });
      const after = await write({ state: 'configured' });
      expect(after.status).toEqual({ state: 'configured' });
      expect(after.metadata.generation).toBe(1);
    });

    test('nothing is written to an object that was deleted and made again under its name', async () => {
      const api = await open();
      const former = await api.create(resource, link('a'));
      const target = { namespace, name: 'a', uid: former.metadata.uid };
      await api.delete(resource, target);
      expect(await writeStatus(api, resource, former, { state: 'configured' })).toBe(false);
      expect(await setFinalizers(api, resource, former, ['example.com/x'])).toBe(false);
      const { metadata } = await api.create(resource, link('a'));
      await expect(api.writeStatus(resource, target, { state: 'configured' }, { fieldManager })).rejects.toSatisfy(
        (error) => answered(error, 409, 422),
      );
      expect(await writeStatus(api, resource, former, { state: 'configured' })).toBe(false);
      expect(await setFinalizers(api, resource, former, ['example.com/x'])).toBe(false);
      const found = await api.get(resource, metadata);
      expect(found?.metadata).toEqual(metadata);
      expect(found).not.toHaveProperty('status.state');
    });

    test('finalizers keep a deleted object until they are gone', async () => {
      const api = await open();
      const { metadata } = await api.create(resource, link('a', { finalizers: ['example.com/x'] }));
      await api.delete(resource, { namespace, name: 'a', uid: metadata.uid });
      const deleting = await api.get(resource, metadata);
      expect(deleting?.metadata.deletionTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      await api.merge(resource, metadata, { metadata: { finalizers: [] } });
      expect(await api.get(resource, metadata)).toBeUndefined();
      await expect(api.delete(resource, { namespace, name: 'a', uid: metadata.uid })).rejects.toBeInstanceOf(ApiError);
    });

    test('what is handed out is a copy', async () => {
      const api = await open();
      const made = await api.create(resource, link('a'));
      Object.assign(made.spec ?? {}, { mtu: 1 });
      expect((await api.get(resource, made.metadata))?.spec).not.toHaveProperty('mtu');
    });
  });
}
