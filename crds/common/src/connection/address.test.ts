import { expect, test } from 'vitest';
import { hidePasswords, isLoopback, parseServers } from './address.ts';

test('addresses are read as people write them', () => {
  expect(parseServers('127.0.0.1')).toEqual({ addresses: ['127.0.0.1:4222'], hosts: ['127.0.0.1'], tls: false });
  expect(parseServers('tls://a.example, tls://[2001:db8::1]:4333')).toEqual({
    addresses: ['a.example:4222', '[2001:db8::1]:4333'],
    hosts: ['a.example', '2001:db8::1'],
    tls: true,
  });
  expect(parseServers('nats://h:80').addresses).toEqual(['h:80']);
  expect(parseServers('nats://me:p%40ss@h,nats://me:p%40ss@g')).toMatchObject({ user: 'me', password: 'p@ss' });
});

test('what cannot be meant is refused without its password', () => {
  for (const [text, words] of [
    ['tls://a,nats://b', /some NATS addresses are tls/],
    ['nats://me:secret@a,nats://you:secret@b', /name several users/],
    ['http://me:secret@a', /is not a NATS address/],
    ['', /an empty text is not a NATS address/],
    ['nats://', /is not a NATS address/],
  ] as const) {
    expect(() => parseServers(text), text).toThrow(words);
    expect(() => parseServers(text), text).not.toThrow(/secret/);
  }
});

test('an address is shown without user and password', () => {
  expect(hidePasswords('nats://me:secret@h:1,tls://k:s@g')).toBe('nats://h:1,tls://g');
  expect(hidePasswords('me:secret@h:1,k:s@g')).toBe('h:1,g');
  expect(hidePasswords('nats://h:1')).toBe('nats://h:1');
});

test('the loopback is known by name and address', () => {
  for (const host of ['localhost', '127.0.0.1', '127.9.9.9', '::1', 'nats.localhost'])
    expect(isLoopback(host)).toBe(true);
  for (const host of ['127.example', '10.0.0.1', '::2', 'localhost.example', '127.0.0.1.example'])
    expect(isLoopback(host)).toBe(false);
});
