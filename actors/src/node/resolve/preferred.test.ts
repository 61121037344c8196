import { expect, test } from 'vitest';
import { preferred } from './preferred.ts';

/** One of each precedence of RFC 6724, the highest first; those in one entry are equal. */
const ranks = [
  ['::1'],
  ['2001:db8::1', '2001:1::1', '20010::1', 'fe80::1'],
  ['192.0.2.1', '::ffff:192.0.2.2', '::FFFF:192.0.2.3'],
  ['2002:c000:201::1'],
  ['2001::1', '2001:0:1::1', '2001:0000:1::1'],
  ['fd00::1', 'FC00::1'],
];

const pairs = ranks.flatMap((high, at) =>
  ranks.slice(at + 1).flatMap((low) => high.flatMap((one) => low.map((other) => [one, other] as const))),
);

const always = (): Promise<boolean> => Promise.resolve(true);

test.each(pairs)('%s goes before %s', async (high, low) => {
  expect(await preferred([low, high], always)).toEqual([high, low]);
  expect(await preferred([high, low], always)).toEqual([high, low]);
});

test('equals stay in their order, and what has a route goes before all', async () => {
  for (const equal of ranks) expect(await preferred(equal, () => Promise.resolve(false))).toEqual(equal);
  expect(await preferred(['::1', 'fd00::1'], (address) => Promise.resolve(address === 'fd00::1'))).toEqual([
    'fd00::1',
    '::1',
  ]);
});

test('of a single address nothing is asked', async () => {
  const asked: string[] = [];
  const routed = (address: string): Promise<boolean> => {
    asked.push(address);
    return Promise.resolve(true);
  };
  expect([await preferred(['::1'], routed), await preferred([], routed), asked]).toEqual([['::1'], [], []]);
});

test('the kernel says what has a route', async () => {
  // There is no such interface, and nobody broadcasts unasked, whatever the machine.
  expect(await preferred(['fe80::1%none0', '127.0.0.1', '255.255.255.255'])).toEqual([
    '127.0.0.1',
    'fe80::1%none0',
    '255.255.255.255',
  ]);
});
