import { describe, expect, test } from 'vitest';
import type { ObservedLink } from '@ifactor/crds';
import {
  after as outcomeAfter,
  bridgeLink,
  declared,
  looked,
  resolved as place,
  told as toldOf,
} from '../../testing/given.ts';
import type { Given, Outcome } from '../../testing/given.ts';
import { verdictWords } from '../words/verdict.ts';

const address = 'fd00::1';
const addresses = [{ ipcidr: 'fd00::1/64' }];
const link: ObservedLink = {
  ...bridgeLink,
  mtu: 1500,
  addresses: [{ family: 'inet6', local: address, peer: null, prefixlen: 64, noPrefixRoute: false }],
};
const spec = (generation: number, mtu?: number): Given => declared(generation, { addresses, mtu });
const seen = (more: Partial<ObservedLink>): Given => looked({ ...link, ...more });
const elapsed: Given = ['TimerElapsed', { timer: 'addresses' }];

function after(...events: Given[]): Outcome & { told: string } {
  const outcome = outcomeAfter(...events);
  return { ...outcome, told: toldOf(outcome) };
}

test('an interface whose address is being checked for duplicates is not ready before that has ended', () => {
  const checking = after(spec(1), place, seen({ tentative: [address] }));
  expect(checking.told).toBe('configured False AddressTentative');
  expect(verdictWords(checking.snapshot.context)).toContain(address);
  expect(checking.operations).toEqual([{ type: 'StartTimer', timer: 'addresses', milliseconds: 3000 }]);
  const checked = after(spec(1), place, seen({ tentative: [address] }), seen({}));
  expect(checked.told).toBe('configured True Configured');
  expect(checked.operations).toEqual([{ type: 'StopTimer', timer: 'addresses' }]);
});

test('it is waited for 3 s, and then said that it goes on', () => {
  const { told, snapshot } = after(spec(1), place, seen({ tentative: [address] }), elapsed);
  expect(told).toBe('configured True Configured');
  expect(verdictWords(snapshot.context)).toContain(`after 3 s the kernel has still not checked ${address}`);
  const ended = after(spec(1), place, seen({ tentative: [address] }), elapsed, seen({}));
  expect(ended.operations).toEqual([]);
  expect(verdictWords(ended.snapshot.context)).toBe("in the node's netns, as declared");
});

test('the next check is waited for again: after another spec, and of a link that comes back', () => {
  const over = [spec(1), place, seen({ tentative: [address] }), elapsed];
  expect(after(...over, spec(2, 1400), seen({ mtu: 1400, tentative: [address] })).told).toBe(
    'configured False AddressTentative',
  );
  const again = after(...over, seen({}), seen({ tentative: [address] }));
  expect(again.told).toBe('configured False AddressTentative');
  expect(again.operations).toMatchObject([{ type: 'StartTimer' }]);
  const restarted = after(...over, ['AgentStarted', { version: 'test' }], place, seen({ tentative: [address] }));
  expect(restarted.told).toBe('configured False AddressTentative');
});

test('a timer of a check that has ended says nothing', () => {
  expect(after(spec(1), place, seen({}), elapsed).told).toBe('configured True Configured');
});

test('an address that somebody else has keeps the interface from being ready, and says so', () => {
  const { told, snapshot, operations } = after(spec(1), place, seen({ duplicate: [address] }));
  expect(told).toBe('configured False AddressDuplicate');
  expect(verdictWords(snapshot.context)).toContain(
    `another host on this link has ${address}, so the kernel does not use it here (checked again at 2026-01-01T00:00:07.000Z): change the address, or remove it there`,
  );
  expect(operations).toEqual([{ type: 'StartTimer', timer: 'duplicates', milliseconds: 5000 }]);
  expect(after(spec(1), place, seen({ duplicate: [address] }), seen({})).told).toBe('configured True Configured');
});

describe('an address that another host has', () => {
  const due: Given = ['TimerElapsed', { timer: 'duplicates' }];
  const duplicate = [spec(1), place, seen({ duplicate: [address] })];
  const at = { slot: 'target', name: 'br0', address: link.addresses[0]! } as const;
  const again = [
    { type: 'RemoveAddress', ...at },
    { type: 'AddAddress', ...at },
  ];
  const done = (round: number, more: Partial<ObservedLink>): Given => looked({ ...link, ...more }, `round-${round}`);

  test("is added again after a while, and is another host's until the kernel finds the contrary", () => {
    const checking = after(...duplicate, due);
    expect(checking.operations).toEqual([{ type: 'Perform', id: 'round-1', operations: again }]);
    expect(checking.told).toBe('configured False AddressDuplicate');
    const asked = after(...duplicate, due, done(1, { tentative: [address] }));
    expect(asked.told).toBe('configured False AddressDuplicate');
    expect(verdictWords(asked.snapshot.context)).toContain(
      `has ${address}, so the kernel does not use it here (checking again)`,
    );
    const free = after(...duplicate, due, done(1, { tentative: [address] }), seen({}));
    expect(free.told).toBe('configured True Configured');
    expect(free.snapshot.context).not.toHaveProperty('recheck');
  });

  test("is asked for less often the longer it is another host's, at most every 5 min", () => {
    const waits: number[] = [];
    const life = [...duplicate];
    for (let round = 1; round <= 9; round++) {
      life.push(due, done(round, { duplicate: [address] }));
      const [timer] = after(...life).operations;
      waits.push(timer?.type === 'StartTimer' ? timer.milliseconds / 1000 : 0);
    }
    expect(waits).toEqual([10, 20, 40, 80, 160, 300, 300, 300, 300]);
  });

  test('that is given up there meanwhile needs no check', () => {
    const freed = after(...duplicate, seen({}));
    expect(freed.operations).toEqual([{ type: 'StopTimer', timer: 'duplicates' }]);
    expect(after(...duplicate, seen({}), due).operations).toEqual([]);
  });

  test('is not asked for where nothing is done, and asked for again by the next agent', () => {
    const observe = declared(1, { addresses, mode: 'Observe' });
    expect(after(observe, place, seen({ duplicate: [address] }), due).operations).toEqual([]);
    const held = after(
      ...duplicate,
      declared(2, { addresses, mode: 'Observe' }),
      due,
      seen({ duplicate: [address] }),
      due,
    );
    expect(held.operations).toEqual([]);
    const restarted = after(...duplicate, ['AgentStarted', { version: 'test' }], place, seen({ duplicate: [address] }));
    expect(restarted.operations).toEqual([{ type: 'StartTimer', timer: 'duplicates', milliseconds: 5000 }]);
  });
});
