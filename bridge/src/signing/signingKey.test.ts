import { generateKeyPairSync } from 'node:crypto';
import { verifies } from '@ifactor/common/signature';
import { keyChangeStatement, parseKeyChanges } from '@ifactor/crds';
import { expect, test } from 'vitest';
import { resources } from '../kube/resource.ts';
import { createMemoryKube } from '../testing/memoryKube.ts';
import { loadSigningKey, rotateSigningKey, signingSecret } from './signingKey.ts';

const namespace = 'ifactor';
const target = { namespace, name: signingSecret };

test('the first leader makes the key, all others sign with the same', async () => {
  const api = createMemoryKube();
  const keys = await Promise.all([1, 2, 3].map(() => loadSigningKey(api, namespace)));
  expect(new Set(keys.map(({ key }) => key.publicKey)).size).toBe(1);
  expect(keys[0]?.keyChanges).toBe('');
  expect((await loadSigningKey(api, 'other')).key.publicKey).not.toBe(keys[0]?.key.publicKey);
});

test('each new key is announced by the one before, the last eight of them', async () => {
  const api = createMemoryKube();
  const first = await loadSigningKey(api, namespace);
  const changes = [];
  for (let count = 0; count < 9; count++) changes.push(await rotateSigningKey(api, namespace));
  expect(changes[0]?.from).toBe(first.key.publicKey);
  const { key, keyChanges } = await loadSigningKey(api, namespace);
  expect(key.publicKey).toBe(changes.at(-1)?.to);
  const told = parseKeyChanges(keyChanges);
  expect(told.map(({ from, to }) => ({ from, to }))).toEqual(changes.slice(1));
  for (const change of told) expect(verifies(change.from, keyChangeStatement(change), change.signature)).toBe(true);
});

test('a Secret without an Ed25519 key is refused with what to do, and shows nothing of it', async () => {
  const api = createMemoryKube();
  await expect(rotateSigningKey(api, namespace)).rejects.toThrow(/Secret ifactor\/ifactor-signing-key not found/);
  const pem = generateKeyPairSync('x25519').privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;
  const secret = await api.create(resources.secrets, {
    metadata: target,
    data: { privateKey: Buffer.from(pem).toString('base64') },
  });
  const error = await loadSigningKey(api, namespace).catch((thrown: unknown) => String(thrown));
  expect(error).toContain('privateKey of Secret ifactor/ifactor-signing-key is not an Ed25519 private key in PEM');
  expect(error).not.toContain(pem.split('\n')[1]);
  await api.replace(resources.secrets, { metadata: secret.metadata });
  await expect(loadSigningKey(api, namespace)).rejects.toThrow('not an Ed25519 private key');
});
