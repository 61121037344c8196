import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { isPublicKey, makeSigningKey, readSigningKey, verifies } from './signature.ts';

const key = readSigningKey(makeSigningKey());

test('a signature is of one text by one key', () => {
  const signature = key.sign('text');
  expect(verifies(key.publicKey, 'text', signature)).toBe(true);
  expect(verifies(key.publicKey, 'texT', signature)).toBe(false);
  expect(verifies(readSigningKey(makeSigningKey()).publicKey, 'text', signature)).toBe(false);
  for (const wrong of ['', 'AAAA', `${signature.slice(0, -1)}${signature.endsWith('A') ? 'Q' : 'A'}`, key.sign('')])
    expect(verifies(key.publicKey, 'text', wrong), wrong).toBe(false);
});

test('what spells no key verifies nothing', () => {
  expect(isPublicKey(key.publicKey)).toBe(true);
  for (const text of [
    '',
    'ed25519:',
    key.publicKey.slice(0, -2),
    `${key.publicKey}A`,
    key.publicKey.slice(8),
    `${key.publicKey}=`,
  ]) {
    expect(isPublicKey(text), text).toBe(false);
    expect(verifies(text, 'text', key.sign('text')), text).toBe(false);
  }
  for (let count = 0; count < 20; count++) verifies(readSigningKey(makeSigningKey()).publicKey, '', '');
  expect(verifies(key.publicKey, 'text', key.sign('text'))).toBe(true);
});

test('the same private key has the same public one; another kind of key is refused without showing it', () => {
  const pem = makeSigningKey();
  expect(readSigningKey(pem).publicKey).toBe(readSigningKey(pem).publicKey);
  for (const wrong of ['', 'x', generateKeyPairSync('x25519').privateKey.export({ format: 'pem', type: 'pkcs8' })])
    expect(() => readSigningKey(String(wrong))).toThrow(/^the signing key must be an Ed25519 private key in PEM$/);
});
