import { expect, test } from 'vitest';
import type { Address, ObservedLink } from '@ifactor/crds';
import { bridgeLink, seen, timeAt } from '../../testing/given.ts';
import { knowing, newsOf } from '../../testing/known.ts';
import type { News } from '../../testing/known.ts';
import { address } from '../../testing/rules.ts';
import { unusableAddresses } from './addressCheck.ts';
import type { Context } from './context.ts';
import { duplicatesIn, recheckedAddresses, recheckElapsed, recheckOperations } from './recheck.ts';
import type { Recheck } from './recheck.ts';
import { removableStrays, straysLeft } from './stray.ts';

const twice: ObservedLink = {
  ...bridgeLink,
  addresses: ['fd00::1/64', 'fd00::2/64', 'fd00::1/128'].map((text): Address => address(text)),
  duplicate: ['fd00::1'],
};
const waiting = (times: number): Recheck => ({ times, at: timeAt(0), due: false });
const added = (times: number): Recheck => ({ times, at: null, due: false });
const known = (recheck?: Recheck, link: ObservedLink | null = twice): Context =>
  knowing({ observed: seen(link), ...(recheck && { recheck }) });

test.each<[what: string, before: Context, tentative: boolean, news: News, operations: object[]]>([
  [
    'is found: it is asked for again after 5 s',
    known(),
    false,
    { recheck: { times: 0, at: timeAt(6000), due: false } },
    [{ milliseconds: 5000 }],
  ],
  [
    'is found again: twice as long',
    known(added(0)),
    false,
    { recheck: { times: 1, at: timeAt(11_000), due: false } },
    [{ milliseconds: 10_000 }],
  ],
  [
    'is found once more',
    known(added(4)),
    false,
    { recheck: { times: 5, at: timeAt(161_000), due: false } },
    [{ milliseconds: 160_000 }],
  ],
  [
    'is found for ever: each five minutes',
    known(added(5)),
    false,
    { recheck: { times: 6, at: timeAt(301_000), due: false } },
    [{ milliseconds: 300_000 }],
  ],
  ['is known, and waited for', known(waiting(3)), false, {}, []],
  [
    'is gone by itself: nothing is waited for',
    known(waiting(3), bridgeLink),
    false,
    { recheck: undefined },
    [{ type: 'StopTimer', timer: 'duplicates' }],
  ],
  ['was added and is its own', known(added(3), bridgeLink), false, { recheck: undefined }, []],
  ['was added and is being checked', known(added(3), bridgeLink), true, {}, []],
  ['never was', known(undefined, bridgeLink), false, {}, []],
  ['never was of a link that is not there', known(undefined, null), false, {}, []],
])('an address that another host has %s', (_, before, tentative, news, operations) => {
  const { context, operations: asked } = recheckedAddresses(before, timeAt(1000), tentative);
  expect(newsOf(before, context)).toStrictEqual(news);
  expect(asked).toEqual(operations.map((fields) => ({ type: 'StartTimer', timer: 'duplicates', ...fields })));
});

test('what is due is removed and added, and nothing else', () => {
  expect(recheckElapsed(knowing())).toEqual(knowing());
  expect(recheckOperations(known())).toEqual([]);
  expect(recheckOperations(known(waiting(0)))).toEqual([]);
  const due = recheckElapsed(known(waiting(0)));
  expect(due.recheck).toEqual({ ...waiting(0), due: true });
  const operations = [address('fd00::1/64'), address('fd00::1/128')].flatMap((each) => [
    { type: 'RemoveAddress', slot: 'target', name: 'br0', address: each },
    { type: 'AddAddress', slot: 'target', name: 'br0', address: each },
  ]);
  expect(recheckOperations(due)).toEqual(operations);
});

test('duplicates are those of each link; of what was never seen, none are known', () => {
  const links = { target: null, peer: { ...twice, name: 'br1' } };
  expect(duplicatesIn(knowing({ observed: { links, strays: [], devices: {} } }))).toEqual([
    { slot: 'peer', link: links.peer, local: 'fd00::1' },
  ]);
  expect(duplicatesIn(knowing())).toEqual([]);
});

test('what is asked for again counts as of another host, until the kernel has found the contrary', () => {
  const tentative = { ...bridgeLink, tentative: ['fd00::1'] };
  const addresses = { params: { addresses: ['fd00::1'] } };
  expect(unusableAddresses(known(added(0), tentative))).toEqual({ reason: 'AddressDuplicate', ...addresses });
  expect(unusableAddresses(known(waiting(0), tentative))).toEqual({ reason: 'AddressTentative', ...addresses });
  expect(unusableAddresses({ ...known(undefined, tentative), addressCheck: 'over' })).toBeNull();
  expect(unusableAddresses(known(added(0), { ...twice, tentative: ['fd00::2'] }))).toMatchObject({
    params: { addresses: ['fd00::1', 'fd00::2'] },
  });
});

test('strays that could not be removed are left, by netns and index, for as long as they are there', () => {
  const strays = [
    { netns: '7', index: 9, name: 'a' },
    { netns: '7', index: 8, name: 'b' },
    { netns: '6', index: 9, name: 'c' },
  ];
  const observed = { ...seen(null), strays };
  const left = [{ netns: '7', index: 9, name: 'a', message: 'no' }];
  expect(removableStrays({ left }, observed)).toEqual(strays.slice(1));
  expect(removableStrays({}, observed)).toEqual(strays);
  expect(straysLeft({ left, observed })).toEqual(left);
  expect(straysLeft({ left, observed: { ...observed, strays: strays.slice(1) } })).toEqual([]);
  expect(straysLeft({ left, observed: null })).toEqual(left);
  expect(straysLeft({ observed })).toEqual([]);
});
