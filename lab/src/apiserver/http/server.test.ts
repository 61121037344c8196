import { afterEach, beforeEach, expect, it } from 'vitest';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestApiServer } from '../../testing/apiClient.ts';
import type { TestApiServer } from '../../testing/apiClient.ts';
import { part } from '@ifactor/common/json';
import type { Json } from '@ifactor/common/json';

let api: TestApiServer;
beforeEach(async () => {
  api = await startTestApiServer();
});
afterEach(() => api.close());

const call: TestApiServer['call'] = (...args) => api.call(...args);

const bridges = '/apis/networking.dn42.io/v1alpha1/namespaces/default/netlinkinterfaces';
const bridge = (name: string, spec: Json = {}, metadata: Json = {}): Json => ({
  apiVersion: 'networking.dn42.io/v1alpha1',
  kind: 'NetlinkInterface',
  metadata: { name, ...metadata },
  spec: { node: 'n1', interfaceName: name, type: 'bridge', up: true, ...spec },
});

const version = (object: Json) => part(object, 'metadata')['resourceVersion'];
const generation = (object: Json) => part(object, 'metadata')['generation'];

it('wants the token and a loopback Host', async () => {
  expect((await call('GET', '/api', undefined, { authorization: 'Bearer other' })).code).toBe(401);
  expect((await call('GET', '/api', undefined, { host: 'evil.example' })).code).toBe(421);
});

it('says what it does not serve', async () => {
  const { code, body } = await call('GET', '/api/v1/namespaces/default/pods');
  expect(code).toBe(404);
  expect(body.message).toContain('does not serve');
});

it('names the field and the rule of what it refuses', async () => {
  const { code, body } = await call('POST', bridges, bridge('br0', { mtu: 5, interfaceName: 'a name' }));
  expect(code).toBe(422);
  expect(body.message).toContain('spec.mtu: Invalid value: 5: spec.mtu in body should be greater than or equal to 68');
  const unknown = await call('POST', `${bridges}?fieldValidation=Strict`, bridge('br0', { colour: 'red' }));
  expect(unknown.body.message).toContain('unknown field "spec.colour"');
});

it('counts generations of the spec only, and keeps the resourceVersion of a write that changes nothing', async () => {
  const { body: made } = await call('POST', bridges, bridge('br0'));
  const patch = (body: Json, at = '') =>
    call('PATCH', `${bridges}/br0${at}`, body, { 'content-type': 'application/merge-patch+json' });
  expect(version((await patch({ spec: { up: true } })).body)).toBe(version(made));
  expect(generation((await patch({ metadata: { labels: { a: 'b' } } })).body)).toBe(1);
  expect(generation((await patch({ status: { state: 'pending' } }, '/status')).body)).toBe(1);
  expect((await patch({ status: { state: 'failed' } })).body['status']).toEqual({ state: 'pending' });
  expect(generation((await patch({ spec: { up: false } })).body)).toBe(2);
});

it('holds a namespace until the last of its objects has let go', async () => {
  await call('POST', '/api/v1/namespaces', { metadata: { name: 'other' } });
  const path = bridges.replace('default', 'other');
  await call('POST', path, bridge('br0', {}, { finalizers: ['example.com/hold'] }));
  await call('POST', path, bridge('br1'));
  expect((await call('DELETE', '/api/v1/namespaces/other')).body).toMatchObject({ status: { phase: 'Terminating' } });
  expect((await call('GET', `${path}/br1`)).code).toBe(404);
  expect((await call('POST', path, bridge('br2'))).code).toBe(403);
  await call(
    'PATCH',
    `${path}/br0`,
    { metadata: { finalizers: null } },
    { 'content-type': 'application/merge-patch+json' },
  );
  expect((await call('GET', '/api/v1/namespaces/other')).code).toBe(404);
});

it('lists in pages that miss nothing, whatever comes and goes meanwhile', async () => {
  for (const name of ['b', 'c', 'd', 'f']) await call('POST', bridges, bridge(name));
  const page = async (token = '') =>
    (await call('GET', `${bridges}?limit=2&continue=${token}`)).body as {
      metadata: { continue?: string; resourceVersion: string };
      items: { metadata: { name: string } }[];
    };
  const names = ({ items }: Awaited<ReturnType<typeof page>>) => items.map(({ metadata }) => metadata.name);
  const first = await page();
  expect(names(first)).toEqual(['b', 'c']);
  await call('DELETE', `${bridges}/b`);
  await call('POST', bridges, bridge('a'));
  await call('POST', bridges, bridge('e'));
  const second = await page(first.metadata.continue);
  expect(names(second)).toEqual(['d', 'e']);
  const third = await page(second.metadata.continue);
  expect(names(third)).toEqual(['f']);
  expect(third.metadata.continue).toBeUndefined();
  // A watch from this revision includes changes to `a` and `b`.
  expect(third.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  expect((await call('GET', `${bridges}?limit=2&continue=nonsense`)).code).toBe(400);
});

/** Of the namespace kube-system, by a server of its own. */
const uidIn = async (dataDir: string): Promise<unknown> => {
  const one = await startTestApiServer({ dataDir });
  const { body } = await one.call('GET', '/api/v1/namespaces/kube-system');
  await one.close();
  return part(body, 'metadata')['uid'];
};

it('is the same cluster after a restart: the namespace kube-system keeps its UID, and another folder is another one', async () => {
  const folders = ['a', 'b'].map((name) => mkdtempSync(join(tmpdir(), `ift-api-${name}-`)));
  const [a, again, b] = [await uidIn(folders[0]!), await uidIn(folders[0]!), await uidIn(folders[1]!)];
  expect(a).toEqual(expect.any(String));
  expect(again).toBe(a);
  expect(b).not.toBe(a);
  for (const folder of folders) rmSync(folder, { recursive: true });
});
