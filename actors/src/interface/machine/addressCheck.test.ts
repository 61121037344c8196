import { expect, test } from 'vitest';
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
  const { told, snapshot, operations } = after(spec(1), place, seen({ duplicate: [address] }), elapsed);
  expect(told).toBe('configured False AddressDuplicate');
  expect(verdictWords(snapshot.context)).toContain(`another host on this link has ${address}`);
  expect(operations).toEqual([]);
  expect(after(spec(1), place, seen({ duplicate: [address] }), seen({})).told).toBe('configured True Configured');
});
