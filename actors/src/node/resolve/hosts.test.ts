import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { lookupHosts, parseHosts } from './hosts.ts';

function hostsFile(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'ift-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const hosts = join(folder, 'hosts');
  writeFileSync(hosts, text);
  return hosts;
}
const loopback = ['::1', '127.0.0.1'];

test.each([
  ['one.test', ['192.0.2.1']],
  ['ONE.Test', ['192.0.2.1']],
  ['one.test.', ['192.0.2.1']],
  ['two', ['192.0.2.1', '2001:db8::2']],
  ['localhost', loopback],
  ['a.localhost', loopback],
  ['alocalhost', []],
  ['localhost.test', []],
  ['one', []],
  ['comment', []],
  ['constructor', []],
])('the addresses of %s are those of the file, in its order, and loopback for localhost', (name, addresses) => {
  const hosts = hostsFile('192.0.2.1 One.test two # comment\n2001:db8::2\ttwo\n');
  expect(lookupHosts(name, { hosts })).toEqual(addresses);
});

test('a localhost of the file goes before', () => {
  expect(lookupHosts('localhost', { hosts: hostsFile('127.0.0.9 localhost\n') })).toEqual(['127.0.0.9']);
});

test('a file that is not there names nothing', () => {
  expect(lookupHosts('one.test', { hosts: '/nowhere/hosts' })).toEqual([]);
});

test('a file is read again when it changed, and not otherwise', () => {
  const hosts = hostsFile('192.0.2.1 one\n');
  const first = lookupHosts('one', { hosts });
  expect(lookupHosts('one', { hosts })).toBe(first);
  writeFileSync(hosts, '192.0.2.22 one\n');
  expect(lookupHosts('one', { hosts })).toEqual(['192.0.2.22']);
});

test.each<[string, Record<string, string[]>]>([
  ['', {}],
  ['# 192.0.2.1 a', {}],
  ['192.0.2.1', {}],
  ['192.0.2.1 a#b', { a: ['192.0.2.1'] }],
  ['  192.0.2.1 \t a  b ', { a: ['192.0.2.1'], b: ['192.0.2.1'] }],
  ['192.0.2 a', {}],
  ['a 192.0.2.1', {}],
  ['fe80::1%eth0 a', { a: ['fe80::1%eth0'] }],
  ['192.0.2.1 a\n192.0.2.2 A', { a: ['192.0.2.1', '192.0.2.2'] }],
])('%j is read as hosts(5) has it', (text, names) => {
  expect(Object.fromEntries(parseHosts(text))).toEqual(names);
});
