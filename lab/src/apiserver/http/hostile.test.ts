/** What must not end, block or confuse the server, whatever a client sends. */
import { request } from 'node:https';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '@ifactor/common';
import { list, part } from '@ifactor/common/json';
import type { Json } from '@ifactor/common/json';
import { oneConnection, startTestApiServer } from '../../testing/apiClient.ts';
import type { TestApiServer } from '../../testing/apiClient.ts';

const bridges = '/apis/networking.dn42.io/v1alpha1/namespaces/default/netlinkinterfaces';
const bridge = (name: string, metadata: Json = {}, spec: Json = {}): Json => ({
  apiVersion: 'networking.dn42.io/v1alpha1',
  kind: 'NetlinkInterface',
  metadata: { name, ...metadata },
  spec: { node: 'n1', interfaceName: name, type: 'bridge', up: true, ...spec },
});

const deep = (times: number): string => '{"a":'.repeat(times) + '1' + '}'.repeat(times);

let api: TestApiServer;
beforeEach(async () => {
  api = await startTestApiServer();
});
afterEach(async () => {
  await api.close();
  expect(api.internalErrors).toEqual([]);
});

const create = (object: unknown) => api.call('POST', bridges, object);

it('goes on when an object changes between the end of a timed-out watch and its close', async () => {
  // The client reads nothing, so that the connection stays open after the server has ended the answer.
  const watch = request({
    host: '127.0.0.1',
    port: api.server.port,
    path: `${bridges}?watch=true&timeoutSeconds=1`,
    ca: api.server.authority,
    servername: 'localhost',
    headers: { authorization: 'Bearer secret' },
    agent: false,
  });
  watch.end();
  const response = await new Promise<NodeJS.ReadableStream>((resolve) => watch.once('response', resolve));
  response.pause();
  const agent = oneConnection();
  await create(bridge('br0', { annotations: { filler: 'x'.repeat(200_000) } }));
  // More than the buffers of both ends take, and for longer than the watch lasts.
  const until = systemClock.monotonic() + 2000;
  for (let change = 0; change < 50 || systemClock.monotonic() < until; change++) {
    const headers = { 'content-type': 'application/merge-patch+json' };
    const annotations = { change: String(change) };
    const { code } = await api.call('PATCH', `${bridges}/br0`, { metadata: { annotations } }, headers, agent);
    expect(code).toBe(200);
  }
  agent.destroy();
  watch.destroy();
  expect((await api.call('GET', `${bridges}/br0`)).code).toBe(200);
});

it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])(
  'takes %s for a key like any other',
  async (key) => {
    const withKey = (object: Json, ...path: string[]): string =>
      // JSON text, since an object literal cannot have a field `__proto__`.
      JSON.stringify(object).replace(
        path.length === 0 ? /^\{/ : new RegExp(`"${path.at(-1)}":\\{`),
        (start) => `${start}${JSON.stringify(key)}:"x",`,
      );
    for (const path of [[], ['spec'], ['metadata']]) {
      const { code, body } = await create(withKey(bridge('br0'), ...path));
      expect(code, JSON.stringify(body)).toBe(201);
      expect(JSON.stringify(body['spec'])).not.toContain('"x"');
      await api.call('DELETE', `${bridges}/br0`);
    }
    const labelled = await create(withKey(bridge('br1', { labels: { a: 'b' } }), 'labels'));
    if (key.startsWith('_')) {
      // As a label it is malformed, and that is all.
      expect([labelled.code, labelled.body.message]).toEqual([422, expect.stringContaining('metadata.labels')]);
      return;
    }
    expect([labelled.code, JSON.stringify(part(labelled.body, 'metadata', 'labels'))]).toEqual([
      201,
      JSON.stringify(JSON.parse(`{${JSON.stringify(key)}:"x","a":"b"}`)),
    ]);
    await create(bridge('br2', { labels: { a: 'b' } }));
    const selected = await api.call('GET', `${bridges}?labelSelector=${encodeURIComponent(key)}`);
    expect(list(selected.body, 'items').map((item) => part(item, 'metadata')['name'])).toEqual(['br1']);
    const patched = await api.call('PATCH', `${bridges}/br2`, `{"metadata":{"labels":{${JSON.stringify(key)}:"y"}}}`, {
      'content-type': 'application/merge-patch+json',
    });
    expect(JSON.stringify(part(patched.body, 'metadata', 'labels'))).toBe(`{"a":"b",${JSON.stringify(key)}:"y"}`);
  },
);

it('sets the fields of metadata that are its own, whatever the client says', async () => {
  const { code, body } = await create(
    bridge('br0', {
      uid: 'mine',
      generation: 9,
      creationTimestamp: '2001-01-01T00:00:00Z',
      deletionTimestamp: '2001-01-01T00:00:00Z',
      deletionGracePeriodSeconds: 5,
      selfLink: '/x',
      managedFields: [{ manager: 'forged', operation: 'Apply', fieldsV1: { 'f:spec': {} } }],
    }),
  );
  expect(code).toBe(201);
  const metadata = part(body, 'metadata');
  expect(metadata).toMatchObject({ name: 'br0', generation: 1 });
  for (const field of ['deletionTimestamp', 'deletionGracePeriodSeconds', 'selfLink'])
    expect(metadata).not.toHaveProperty(field);
  expect(metadata['uid']).not.toBe('mine');
  expect(metadata['creationTimestamp']).not.toContain('2001');
  expect(JSON.stringify(metadata['managedFields'])).not.toContain('forged');
});

it.each([
  ['null among its owners', { ownerReferences: [null] }, 422, 'metadata.ownerReferences'],
  ['an owner without uid', { ownerReferences: [{ apiVersion: 'v1', kind: 'Secret', name: 'a' }] }, 422, 'uid'],
  ['owners that are no list', { ownerReferences: {} }, 400, 'metadata.ownerReferences'],
  ['a malformed label', { labels: { a: '-' } }, 422, 'metadata.labels'],
  ['a label with a malformed key', { labels: { 'a b': '' } }, 422, 'metadata.labels'],
  ['an annotation with a malformed key', { annotations: { 'A.Example/b/c': '' } }, 422, 'metadata.annotations'],
  ['too long annotations', { annotations: { a: 'x'.repeat(262_144) } }, 422, 'metadata.annotations'],
  ['a malformed finalizer', { finalizers: ['a/b/c'] }, 422, 'metadata.finalizers'],
  ['a label that is a number', { labels: { a: 1 } }, 400, 'metadata.labels'],
  ['labels that are a list', { labels: ['a'] }, 400, 'metadata.labels'],
  ['a finalizer that is an object', { finalizers: [{}] }, 400, 'metadata.finalizers'],
  ['a name that is a number', { name: 5 }, 400, 'metadata.name'],
])('refuses %s, and names the field', async (_, metadata, expected, field) => {
  const { code, body } = await create(bridge('br0', metadata));
  expect([code, body.message]).toEqual([expected, expect.stringContaining(field)]);
  await create(bridge('br0'));
  const changed = await api.call(
    'PATCH',
    `${bridges}/br0`,
    { metadata },
    { 'content-type': 'application/merge-patch+json' },
  );
  expect([changed.code, changed.body.message]).toEqual([expected, expect.stringContaining(field)]);
});

it('reads U+FFFD for a lone surrogate', async () => {
  const { code, body } = await create(
    JSON.stringify(bridge('br0', { annotations: { a: 'xLONE🚇' } })).replace('LONE', String.raw`\ud800`),
  );
  expect([code, part(body, 'metadata', 'annotations')]).toEqual([201, { a: 'x\ufffd🚇' }]);
  const key = await create(
    JSON.stringify(bridge('br1', { annotations: { LONE: 'a' } })).replace('LONE', String.raw`\udc00`),
  );
  expect([key.code, key.body.message]).toEqual([422, expect.stringContaining('metadata.annotations')]);
});

it('answers the request after one that was too large, on the same connection', async () => {
  const agent = oneConnection();
  const large = bridge('br0', { annotations: { a: 'x'.repeat(5_000_000) } });
  const refused = await api.call('POST', bridges, large, {}, agent);
  expect(refused.code).toBe(413);
  expect((await api.call('GET', bridges, undefined, {}, agent)).code).toBe(200);
  agent.destroy();
});

it.each(['%', '%ff', '/%zz/a'])('answers the path %s', async (path) => {
  expect((await api.call('GET', `${bridges}/${path}`)).code).toBe(400);
});

it('refuses a body nested deeper than it reads', async () => {
  for (const times of [1000, 100_000]) {
    const { code, body } = await create(`{"metadata":{"name":"br0"},"spec":${deep(times)}}`);
    expect([code, body.message]).toEqual([400, expect.stringContaining('deep')]);
  }
  const apply = { 'content-type': 'application/apply-patch+yaml' };
  const cyclic = await api.call('PATCH', `${bridges}/br0?fieldManager=me`, 'spec: &a\n  b: *a\n', apply);
  expect(cyclic.code).toBe(400);
  const infinite = await api.call('PATCH', `${bridges}/br0?fieldManager=me`, 'spec: {mtu: .inf}\n', apply);
  expect(infinite.code).toBe(400);
});

it('warns of unknown fields in a header that every client can read', async () => {
  const { code, headers } = await create(bridge('br0', {}, { 'fähre\u007f🚇': 1 }));
  expect(code).toBe(201);
  expect(headers['warning']).toContain('unknown field');
  const many = Object.fromEntries(Array.from({ length: 2000 }, (_, at) => [`unknown${at}`, at]));
  expect((await create(bridge('br1', {}, many))).code).toBe(201);
});
