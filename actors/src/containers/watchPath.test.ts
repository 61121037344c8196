import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { watchPath } from './watchPath.ts';
import { temporaryFolder } from '../testing/containers/harness.ts';

/** @returns resolves to true once a change was told that is not of the call before */
function watched(path: string): () => Promise<boolean> {
  const count = { told: 0, seen: 0 };
  onTestFinished(
    watchPath(path, () => {
      count.told++;
    }),
  );
  return async () => {
    for (let tries = 0; count.told === count.seen && tries < 500; tries++) await sleep(10);
    const news = count.told > count.seen;
    // What one change is told by may come in several events.
    for (; count.told > count.seen; await sleep(50)) count.seen = count.told;
    return news;
  };
}

test('made, replaced and removed', async () => {
  const path = join(temporaryFolder(), 'entry');
  const next = watched(path);
  writeFileSync(path, '1');
  expect(await next()).toBe(true);
  writeFileSync(`${path}.new`, '2');
  renameSync(`${path}.new`, path);
  expect(await next()).toBe(true);
  rmSync(path);
  expect(await next()).toBe(true);
});

test('in folders that do not exist yet, and that go and come back', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'a', 'b', 'entry');
  const next = watched(path);
  mkdirSync(join(folder, 'a', 'b'), { recursive: true });
  expect(await next()).toBe(true);
  writeFileSync(path, '');
  expect(await next()).toBe(true);
  rmSync(join(folder, 'a'), { recursive: true });
  expect(await next()).toBe(true);
  mkdirSync(join(folder, 'a'));
  expect(await next()).toBe(true);
  mkdirSync(join(folder, 'a', 'b'));
  expect(await next()).toBe(true);
  writeFileSync(path, '');
  expect(await next()).toBe(true);
});

test('a neighbour in the folder does not concern it', async () => {
  const folder = temporaryFolder();
  let told = 0;
  onTestFinished(
    watchPath(join(folder, 'entry'), () => {
      told++;
    }),
  );
  writeFileSync(join(folder, 'other'), '');
  const next = watched(join(folder, 'other2'));
  writeFileSync(join(folder, 'other2'), '');
  expect(await next()).toBe(true);
  expect(told).toBe(0);
});
