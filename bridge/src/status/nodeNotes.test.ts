import { createLog } from '@ifactor/common';
import { TestClock } from '@ifactor/common/testing';
import type { NodeEntry } from '@ifactor/crds';
import { expect, onTestFinished, test } from 'vitest';
import type { EventNote } from '../kube/recorder.ts';
import { resources } from '../kube/resource.ts';
import { createSealKeys } from '../signing/sealKeys.ts';
import { createMemoryKube } from '../testing/memoryKube.ts';
import { registered } from '../testing/objects.ts';
import { startNodeNotes } from './nodeNotes.ts';

test('a node that shows another key than before, or refuses what is desired, is told once, and again when that changes', async () => {
  const clock = new TestClock();
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const api = createMemoryKube(() => clock.now());
  const lease = { namespace: 'ifactor', name: 'ifactor-bridge' };
  await api.create(resources.leases, { metadata: lease, spec: {} });
  const sealKeys = createSealKeys(api, 'ifactor');
  const notes: EventNote[] = [];
  const lines: string[] = [];
  const entry: NodeEntry = { ...registered('lax1').entry };
  const first = entry.sealKey;
  let leads = false;
  startNodeNotes({
    api,
    lease,
    heard: () => [{ entry }],
    sealKeys,
    recorder: { note: (_object, note) => void notes.push(note) },
    leads: () => leads,
    runtime: { clock, log: createLog('test', 'info', (line) => void lines.push(line)), signal: stop.signal },
  });
  const look = async (): Promise<string[]> => {
    await clock.pass(5000);
    return notes.splice(0).map(({ reason }) => reason);
  };
  entry.sealKey = registered('other').entry.sealKey;
  expect(await look()).toEqual([]);
  entry.sealKey = first;
  leads = true;
  expect(await look()).toEqual([]);
  expect(await sealKeys.accept('lax1', 'X')).toBe(first);
  entry.sealKey = registered('other').entry.sealKey;
  expect([await look(), await look()]).toEqual([['SealKeyChanged'], []]);
  expect(lines.join('\n')).toContain('ifactor node rekey lax1');
  entry.sealKey = first;
  expect(await look()).toEqual([]);
  entry.refused = { objects: 1, reason: 'Unsigned', subject: 'ifactor.desired.lax1', since: entry.time };
  expect([await look(), await look()]).toEqual([['DesiredRefused'], []]);
  delete entry.refused;
  expect(await look()).toEqual([]);
  entry.refused = { objects: 1, reason: 'Unsigned', subject: 'ifactor.desired.lax1', since: entry.time };
  expect(await look()).toEqual(['DesiredRefused']);
});
