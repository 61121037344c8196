import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApiServer } from '../../testing/apiClient.ts';
import type { TestApiServer } from '../../testing/apiClient.ts';
import { readSecret } from './secret.ts';

/* Each as kube-apiserver 1.37 answers it (test/contract/mutation.test.ts compares the two). */

const metadata = { name: 'a' };

test('stringData becomes data, over what data says, and nothing else of a Secret is kept', () => {
  expect(readSecret({ metadata, data: { a: 'QQ==', b: 'Qg\n==' }, stringData: { a: 'x', c: null }, spec: {} })).toEqual(
    {
      metadata,
      data: { a: 'eA==', b: 'Qg==', c: '' },
      type: 'Opaque',
    },
  );
  expect(readSecret({ metadata, data: {}, stringData: null, type: 'kubernetes.io/tls', immutable: true })).toEqual({
    metadata,
    type: 'kubernetes.io/tls',
    immutable: true,
  });
});

test.each([
  [{ stringData: 7 }, 'stringData must be a map of strings'],
  [{ stringData: [] }, 'stringData must be a map of strings'],
  [{ stringData: { a: 1 } }, 'stringData must be a map of strings'],
  [{ data: { a: {} } }, 'data must be a map of base64 strings'],
  [{ data: { a: '?' } }, 'illegal base64 data'],
  [{ type: 1 }, 'type must be a string'],
  [{ immutable: 'yes' }, 'immutable must be a bool'],
  [{ stringData: { 'a/b': '' } }, 'data[a/b]: Invalid value'],
  [{ data: { '..': '' } }, 'data[..]: Invalid value'],
])('%j is refused', (fields, words) => {
  expect(() => readSecret({ metadata, ...fields })).toThrow(words);
});

let api: TestApiServer;
beforeAll(async () => {
  api = await startTestApiServer();
});
afterAll(() => api.close());

test('what a CRD defines has to say what it is; a Secret need not', async () => {
  const link = { metadata, spec: { node: 'lax1', interfaceName: 'br0', type: 'bridge', up: true } };
  const links = '/apis/networking.dn42.io/v1alpha1/namespaces/default/netlinkinterfaces';
  const typed = { apiVersion: 'networking.dn42.io/v1alpha1', kind: 'NetlinkInterface' };
  expect((await api.call('POST', links, { ...link, kind: typed.kind })).code).toBe(400);
  expect((await api.call('POST', links, { ...link, apiVersion: typed.apiVersion })).code).toBe(400);
  expect((await api.call('POST', links, { ...link, ...typed })).code).toBe(201);
  expect((await api.call('POST', '/api/v1/namespaces/default/secrets', { metadata, kind: false })).code).toBe(400);
  expect((await api.call('POST', '/api/v1/namespaces/default/secrets', { metadata, kind: '' })).code).toBe(201);
});
