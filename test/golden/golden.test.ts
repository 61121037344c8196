import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { machineVersion, states } from '@ifactor/crds';
import { describe, expect, test } from 'vitest';
import { step } from '@ifactor/actors';
import { actorOf, lived, replay, whatIf } from '@ifactor/cli';
import { findKeys, keysIn } from '../e2e/keys.ts';
import { examples } from '../e2e/lab.ts';
import { folder, foldLog, logNames, readFolds, readLog } from './golden.ts';

const folds = readFolds();
const logs = await Promise.all(
  logNames().map(async (name) => ({ name, events: await readLog(join(folder, `${name}.jsonl`)) })),
);

describe.each(logs)('the recorded life $name', ({ name, events }) => {
  test('folds to what is written in folds.json', () => {
    expect(foldLog(events)).toEqual(folds[name]);
  });

  test('folds to the state that each event carries, except where a later version means to decide otherwise', () => {
    const numbers = Object.values(foldLog(events)).flatMap(({ otherwise = {} }) => Object.keys(otherwise));
    const older = events
      .filter(({ machine }) => machine < machineVersion)
      .map(({ sequence, type }) => `#${sequence} ${type}`);
    expect(numbers.filter((number) => !older.includes(number))).toEqual([]);
  });

  test("folds as XState's own transition does, event by event", () => {
    for (const log of Map.groupBy(events, actorOf).values())
      for (const { before, event, snapshot } of replay(lived(log)))
        expect(step(before, event), `#${event.sequence} ${event.type}`).toEqual(snapshot);
  });

  test('asks for the operations whose outcome the log tells of', () => {
    const own = events.filter(({ machine }) => machine === machineVersion);
    const differences = [...Map.groupBy(own, ({ node, key }) => `${node} ${key.kind}/${key.name}`).values()]
      .map(whatIf)
      .filter((found) => found !== null);
    expect(differences).toEqual([]);
  });

  test('tells nothing of the machine it was recorded on, and no key', () => {
    const text = readFileSync(join(folder, `${name}.jsonl`), 'utf8');
    expect(text).not.toMatch(/(^|[\s"'=:])\/[a-z]/);
    const known = new Set([...text.matchAll(/"(?:publicKey|fingerprint)":"([^"]+)"/g)].map(([, key]) => key));
    const spelled = [...text.matchAll(/[A-Za-z0-9+/]{43}=/g)].map(([key]) => key);
    expect(spelled.filter((key) => !known.has(key))).toEqual([]);
    const manifests = ['', 'old'].flatMap((part) =>
      readdirSync(join(examples, part))
        .filter((file) => file.endsWith('.yaml'))
        .map((file) => join(examples, part, file)),
    );
    const keys = manifests.flatMap((path) => keysIn(readFileSync(path, 'utf8')));
    expect(keys.length).toBeGreaterThan(0);
    expect(findKeys(keys, [[name, Buffer.from(text)]])).toEqual([]);
  });
});

test('the recorded lives know every state', () => {
  expect([...new Set(logs.flatMap(({ events }) => events.map(({ state }) => state)))].toSorted()).toEqual(
    [...states].toSorted(),
  );
});

test('a log that was altered is found out', () => {
  const { name, events } = logs.find((log) => log.name === 'drift')!;
  const without = events.filter(({ type }) => type !== 'DriftObserved');
  expect(foldLog(without)).not.toEqual(folds[name]);
});
