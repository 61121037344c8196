import { describe, expect, test } from 'vitest';
import { openSecret, wireguardKey } from './secret.ts';
import { secret } from '../testing/objects.ts';

const key = Buffer.from(Array.from({ length: 32 }, (_, index) => index + 1));
const text = key.toString('base64');
const store = (one = secret('s', { k: key })) => ({
  get: (at: string) => (at === `${one.metadata.namespace}/${one.metadata.name}` ? one : undefined),
  forbidden: false,
});
const from = (more: object = {}) => ({ ref: 'privateKey', from: { name: 's', key: 'k', ...more } });

test.each([
  ['the raw 32 bytes', key],
  ['their base64 text', text],
  ['the text with a line break', `${text}\n`],
  ['the text with white space around it', ` ${text} \r\n`],
])('a key may be %s', (_what, value) => {
  expect(openSecret(from(), 'default', store(secret('s', { k: value })))).toEqual({
    ref: 'privateKey',
    version: 'uid-secret-s@7',
    key: text,
  });
});

describe('a secret that cannot be used', () => {
  test.each([
    ["is another namespace's", from({ namespace: 'other' }), 'default', store(), 'CrossNamespaceReference'],
    [
      'is meant by default to be in default, for an object elsewhere',
      from(),
      'tenant',
      store(),
      'CrossNamespaceReference',
    ],
    ['does not exist', from({ name: 'none' }), 'default', store(), 'SecretNotFound'],
    ['has no such key', from({ key: 'none' }), 'default', store(), 'KeyNotFound'],
    ['has no such key, although every object has it', from({ key: 'constructor' }), 'default', store(), 'KeyNotFound'],
    ['is too short', from(), 'default', store(secret('s', { k: 'hunter2' })), 'Malformed'],
    ['is 44 characters that are no base64', from(), 'default', store(secret('s', { k: '!'.repeat(44) })), 'Malformed'],
    ['is not named at all', { ref: 'privateKey', from: 'text' }, 'default', store(), 'Malformed'],
    ['has no name', { ref: 'privateKey', from: { key: 'k' } }, 'default', store(), 'Malformed'],
    ['has no key', { ref: 'privateKey', from: { name: 's' } }, 'default', store(), 'Malformed'],
    ['has a name that is no text', from({ name: 7 }), 'default', store(), 'Malformed'],
    ['has a key that is no text', from({ key: 7 }), 'default', store(), 'Malformed'],
    ['is followed by more', from(), 'default', store(secret('s', { k: `${text}x` })), 'Malformed'],
    ['comes after something', from(), 'default', store(secret('s', { k: `x${text}` })), 'Malformed'],
    ['holds nothing', from(), 'default', store({ ...secret('s', {}), data: undefined }), 'KeyNotFound'],
    ['may not be read', from(), 'default', { get: () => undefined, forbidden: true }, 'Forbidden'],
  ])('%s', (_what, wanted, namespace, secrets, reason) => {
    const found = openSecret(wanted, namespace, secrets);
    expect(found).toMatchObject({ ref: 'privateKey', reason });
    expect(JSON.stringify(found)).not.toContain('hunter2');
  });
});

test('an object outside of default reads a Secret beside it when told so', () => {
  const found = openSecret(from({ namespace: 'tenant' }), 'tenant', store(secret('s', { k: key }, 'tenant')));
  expect(found).toMatchObject({ key: text });
});

test('spare bits in the last letter make no other key', () => {
  const sloppy = `${text.slice(0, 42)}${String.fromCharCode((text.charCodeAt(42) ?? 0) + 1)}=`;
  expect(wireguardKey(Buffer.from(sloppy))).toBe(text);
});

test.each([
  ['no reference', { ref: 'privateKey', from: 7 }, 'default', store(), 'needs a name and a key'],
  ['a foreign one', from(), 'tenant', store(), 'Secret default/s is in another namespace'],
  ['where to put a foreign one', from(), 'tenant', store(), 'namespace: tenant in the reference'],
  ['none', from({ name: 'none' }), 'default', store(), 'Secret default/none not found: create it with the key k'],
  ['no such key', from({ key: 'none' }), 'default', store(), 'default/s has no key none'],
  ['a bad key', from(), 'default', store(secret('s', { k: 'short' })), 'key k of Secret default/s'],
  ['a ban', from(), 'default', { get: () => undefined, forbidden: true }, 'bridge/rbac.yaml'],
])('a secret that cannot be used says what it was and what to do: %s', (_what, wanted, namespace, secrets, words) => {
  expect(openSecret(wanted, namespace, secrets)).toMatchObject({ message: expect.stringContaining(words) as unknown });
});

test('a Secret that was read is used, though Secrets can no longer be listed', () => {
  expect(openSecret(from(), 'default', { ...store(), forbidden: true })).toMatchObject({ key: text });
});
