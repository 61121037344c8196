import { expect, test } from 'vitest';
import type { KubeApi } from '../kube/port.ts';
import { resources } from '../kube/resource.ts';
import { createMemoryKube } from '../testing/memoryKube.ts';
import { createSealKeys, forgetSealKey, sealKeysSecret } from './sealKeys.ts';

const namespace = 'ifactor';
const target = { namespace, name: sealKeysSecret };

test('the first key of a node stays, for every bridge, until a person forgets it', async () => {
  const api = createMemoryKube();
  const one = createSealKeys(api, namespace);
  expect(await one.accept('lax1', 'X1')).toBe('X1');
  expect(await one.accept('lax1', 'X2')).toBe('X1');
  const other = createSealKeys(api, namespace);
  expect(await other.accept('lax1', 'X2')).toBe('X1');
  expect(await other.accept('lax2', 'X3')).toBe('X3');
  expect(one.changed(await api.get(resources.secrets, target))).toBe(false);
  expect(await forgetSealKey(api, namespace, 'lax1')).toBe(true);
  expect(await forgetSealKey(api, namespace, 'lax1')).toBe(false);
  expect(await forgetSealKey(api, 'other', 'lax2')).toBe(false);
  // Known here until the Secret is seen.
  expect(await one.accept('lax1', 'X2')).toBe('X1');
  expect(one.changed(await api.get(resources.secrets, target))).toBe(true);
  expect(await one.accept('lax1', 'X2')).toBe('X2');
  expect(await one.accept('lax2', 'X4')).toBe('X3');
  other.reread();
  expect(await other.accept('lax1', 'X1')).toBe('X2');
});

test('many nodes at once are one write, and two bridges at once agree', async () => {
  const api = createMemoryKube();
  let writes = 0;
  const counted: Pick<KubeApi, 'get' | 'create' | 'replace'> = {
    get: (...args) => api.get(...args),
    create(...args) {
      writes++;
      return api.create(...args);
    },
    replace(...args) {
      writes++;
      return api.replace(...args);
    },
  };
  const [one, other] = [createSealKeys(counted, namespace), createSealKeys(counted, namespace)];
  await one.accept('first', 'X0');
  writes = 0;
  const nodes = Array.from({ length: 50 }, (_, at) => `node${at}`);
  expect(await Promise.all(nodes.map((node) => one.accept(node, `X${node}`)))).toEqual(nodes.map((node) => `X${node}`));
  expect(writes).toBeLessThanOrEqual(2);
  const both = await Promise.all([one.accept('new', 'Xone'), other.accept('new', 'Xother')]);
  expect(new Set(both).size).toBe(1);
});

test('where the Secret cannot be written no key is accepted', async () => {
  const api = createMemoryKube();
  const keys = createSealKeys({ ...api, create: () => Promise.reject(new Error('forbidden')) }, namespace);
  await expect(keys.accept('lax1', 'X1')).rejects.toThrow('forbidden');
  await createSealKeys(api, namespace).accept('lax1', 'X2');
  expect(await keys.accept('lax1', 'X1')).toBe('X2');
});
