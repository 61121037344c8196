import { expect, test } from 'vitest';
import type { KubeObject } from '../kube/object.ts';
import { wireguard } from '../testing/objects.ts';
import { createDeletions } from '../view/deletions.ts';
import { createAbsence } from './absence.ts';

const key = 'wireguardinterface/default/wg1';
const last = { uid: 'uid-wg1' };

function judging({ missing = [] as string[], admits = true, found = undefined as KubeObject | undefined } = {}) {
  const asked: string[] = [];
  const deletions = createDeletions();
  const absence = createAbsence(
    { incomplete: (...of) => (of.length > 0 ? missing : []), deletions },
    {
      admits: (one, tombstones?: number) => {
        asked.push(`brake ${one} ${tombstones ?? 1}`);
        return admits;
      },
      forget: (one) => void asked.push(`settled ${one}`),
    },
    {
      get: ({ kind }, { namespace, name }) => {
        asked.push(`get ${kind} ${namespace}/${name}`);
        return Promise.resolve(found);
      },
    },
  );
  return { absence, deletions, asked };
}

test('what is in no complete list, and not there when it is asked for, is gone', async () => {
  const { absence, asked } = judging();
  expect(await absence.judge(key, last)).toBe('gone');
  expect(asked).toEqual([`brake ${key} 1`, 'get WireGuardInterface default/wg1']);
});

test('a list that is not complete proves nothing, and nothing is asked', async () => {
  const { absence, asked } = judging({ missing: ['wireguardinterfaces cannot be listed'] });
  expect(await absence.judge(key, last)).toBe('unproven');
  expect(await absence.judge(key, { ...last, deletionTimestamp: 'x' })).toBe('unproven');
  expect(asked).toEqual([]);
});

test('a deletion that the watch reported needs no proof, for this very object', async () => {
  const { absence, deletions, asked } = judging({ missing: ['refused'], admits: false });
  deletions.add(key, 'another life');
  expect(await absence.judge(key, last)).toBe('unproven');
  deletions.add(key, 'uid-wg1');
  expect(await absence.judge(key, last)).toBe('gone');
  deletions.forget(key);
  expect(await absence.judge(key, last)).toBe('unproven');
  expect(asked).toEqual([]);
});

test('what the brake holds is not asked for; what was being deleted is not braked', async () => {
  const { absence, asked } = judging({ admits: false });
  expect(await absence.judge(key, last)).toBe('unproven');
  expect(asked).toEqual([`brake ${key} 1`]);
  expect(await absence.judge(key, { ...last, deletionTimestamp: 'x' })).toBe('gone');
});

test('what the API server has after all stays; another life of it does not count', async () => {
  expect(await judging({ found: wireguard('wg1') }).absence.judge(key, last)).toBe('unproven');
  const { absence } = judging({ found: wireguard('wg1', {}, { uid: 'another life' }) });
  expect(await absence.judge(key, last)).toBe('gone');
});

test('a plan is judged alike, and counts for its children', async () => {
  const { absence, deletions, asked } = judging();
  expect(await absence.judgePlan('default/net', 'u1', 7)).toBe('gone');
  expect(asked).toEqual(['brake wireguardnetworkplan/default/net 7', 'get WireGuardNetworkPlan default/net']);
  deletions.add('wireguardnetworkplan/default/net', 'u1');
  expect(await judging({ admits: false }).absence.judgePlan('default/net', 'u1', 7)).toBe('unproven');
  expect(await absence.judgePlan('default/net', 'u1', 7)).toBe('gone');
  expect(asked).toHaveLength(2);
  absence.settle(key);
  expect(asked.at(-1)).toBe(`settled ${key}`);
});

test('of a kind that is not ours nothing is concluded', async () => {
  const { absence, asked } = judging();
  expect(await absence.judge('pod/default/wg1', last)).toBe('unproven');
  expect(asked).toEqual([]);
});

test('a plan is gone where the API server says so, not where it has this very one', async () => {
  const there = judging({ found: wireguard('net', {}, { uid: 'uid-net' }) });
  expect(await there.absence.judgePlan('default/net', 'uid-net', 3)).toBe('unproven');
  expect(await there.absence.judgePlan('default/net', 'an earlier life', 3)).toBe('gone');
  expect(there.asked.at(-1)).toBe('get WireGuardNetworkPlan default/net');
  expect(await judging().absence.judgePlan('default/net', 'uid-net', 3)).toBe('gone');
});
