import { expect, test } from 'vitest';
import { interfaceAddresses, SAME_SPELT } from './common.ts';
import { netlinkAddresses } from './netlinkAddress.ts';

const problems = (list: readonly string[]): (string | undefined)[] => [
  netlinkAddresses.safeParse(list.map((ip) => ({ ipcidr: `${ip}/64` }))).error?.issues.at(-1)?.message,
  interfaceAddresses.safeParse(list.map((local) => ({ family: 'inet6', local, prefixlen: 64 }))).error?.issues.at(-1)
    ?.message,
];

test.each([
  [['2001:db8::1', '2001:db8:0:0::1']],
  [['2001:db8::1', '2001:0DB8::0001']],
  [['::ffff:192.0.2.1', '::ffff:c000:201']],
])('%j is one address', (list) => {
  expect(problems(list)).toEqual([SAME_SPELT, SAME_SPELT]);
});

test('other addresses are not taken for the same', () => {
  expect(problems(['2001:db8::1', '2001:db8::1:0', 'fd00::1'])).toEqual([undefined, undefined]);
});
