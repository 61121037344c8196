import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatRoute, home, parseRoute, views } from './route.ts';

test('a route survives the address bar', () => {
  const position = fc.option(fc.nat(), { nil: null });
  const route = fc.record({
    view: fc.constantFrom(...views),
    actor: fc.option(fc.string({ minLength: 1 }), { nil: null }),
    at: position,
    other: position,
  });
  fc.assert(
    fc.property(route, (value) => {
      expect(parseRoute(formatRoute(value))).toEqual(value);
    }),
  );
});

test('an address somebody spoiled leads to the start', () => {
  expect(parseRoute('#view=attic&at=-3&actor=')).toEqual(home);
  expect(formatRoute(home)).toBe('');
});
