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
