import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { secrets } from '../schema/resource.ts';
import { VersionedStore } from './store.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ift-store-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const secret = (name: string) => ({ metadata: { name, namespace: 'default' } });

it('keeps objects and goes on counting when it is opened again without having been closed', () => {
  const first = new VersionedStore(folder);
  first.put(secrets, secret('a'));
  const kept = first.put(secrets, secret('b'));
  first.remove(secrets, first.get(secrets, 'default', 'a') ?? {});
  const again = new VersionedStore(folder);
  expect(again.list(secrets)).toEqual([kept]);
  expect(again.revision).toBe(first.revision);
  expect(
    Number((again.put(secrets, secret('c'))['metadata'] as { resourceVersion: string }).resourceVersion),
  ).toBeGreaterThan(first.revision);
  first.close();
  again.close();
});

it('tells a watch what came after its revision, in order, and then what comes', () => {
  const store = new VersionedStore();
  store.put(secrets, secret('a'));
  const from = store.revision;
  const b = store.put(secrets, secret('b'));
  const told: string[] = [];
  const stop = store.follow(from, ({ type, revision }) => told.push(`${type} ${revision}`));
  store.remove(secrets, b);
  stop();
  store.put(secrets, secret('c'));
  expect(told).toEqual([`ADDED ${from + 1}`, `DELETED ${from + 2}`]);
});

it('refuses a watch from before what it remembers, or from a future revision', () => {
  const store = new VersionedStore(folder);
  store.put(secrets, secret('a'));
  store.close();
  const again = new VersionedStore(folder);
  expect(() => again.follow(1, () => undefined)).toThrow('too old resource version');
  expect(() => again.follow(99, () => undefined)).toThrow('is in the future');
  again.close();
});
