import { UsageError } from '@ifactor/common';
import { describe, expect, test } from 'vitest';
import { parseContainers, parseNodes } from './options.ts';

describe('nodes', () => {
  test('get the next underlay address where none is given', () => {
    expect(parseNodes(['fra1', 'sea1=2001:db8::7/64', 'lax1'])).toEqual([
      { name: 'fra1', address: '192.0.2.1/24' },
      { name: 'sea1', address: '2001:db8::7/64' },
      { name: 'lax1', address: '192.0.2.3/24' },
    ]);
  });

  test.each([
    ['Fra1', /a-z/],
    ['a/b', /a-z/],
    ['-a', /a-z/],
    ['a.b', /a-z/],
    ['a'.repeat(64), /a-z/],
    ['a=192.0.2.1', /ADDRESS\/LEN/],
    ['a=192.0.2.1/33', /ADDRESS\/LEN/],
    ['a=192.0.2.1/0', /ADDRESS\/LEN/],
    ['a=2001:db8::1/129', /ADDRESS\/LEN/],
    ['a=host/24', /ADDRESS\/LEN/],
  ])('refuses %s', (value, said) => {
    expect(() => parseNodes([value])).toThrow(UsageError);
    expect(() => parseNodes([value])).toThrow(said);
  });

  test('are all different, and so are their addresses', () => {
    expect(() => parseNodes(['a', 'a=192.0.2.9/24'])).toThrow(/a is given twice/);
    expect(() => parseNodes(['a=192.0.2.2/24', 'b'])).toThrow(/192\.0\.2\.2 is given twice/);
  });
});

test('containers have names that Docker takes', () => {
  expect(parseContainers(['web', 'db_1.x'])).toEqual([{ name: 'web' }, { name: 'db_1.x' }]);
  for (const name of ['', '-a', 'a b', 'a/b', '../a', 'a;b']) expect(() => parseContainers([name])).toThrow(UsageError);
  expect(() => parseContainers(['a', 'a'])).toThrow(/twice/);
});
