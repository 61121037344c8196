import { assert, jsonValue, property } from 'fast-check';
import { expect, it } from 'vitest';
import { canonical, digest, isRecord, list, member, part, sameJson, text, without } from './json.ts';

it('reads fields of unknown JSON, own ones only', () => {
  const value: unknown = { a: { b: 'c', d: [1] }, n: null };
  expect(member(value, 'a', 'b')).toBe('c');
  expect(member(value, 'n', 'b')).toBeUndefined();
  expect([text(value, 'a', 'b'), text(value, 'a')]).toEqual(['c', '']);
  expect([part(value, 'a', 'b'), part(value, 'n')]).toEqual([{}, {}]);
  expect([list(value, 'a', 'd'), list(value, 'a')]).toEqual([[1], []]);
  for (const inherited of ['constructor', '__proto__', 'toString']) expect(member(value, inherited)).toBeUndefined();
});

it('writes equal values alike, whatever the order of their keys', () => {
  const reversed = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(reversed)
      : isRecord(value)
        ? Object.fromEntries(
            Object.entries(value)
              .toReversed()
              .map(([key, inner]) => [key, reversed(inner)]),
          )
        : value;
  assert(
    property(jsonValue(), (value) => {
      expect(canonical(reversed(value))).toBe(canonical(value));
      expect(JSON.parse(canonical(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
  expect(canonical({ b: 1, a: undefined })).toBe('{"b":1}');
  expect(digest({ a: 1, b: 2 })).toBe(digest({ b: 2, a: 1 }));
  expect(digest({ a: 1 })).toMatch(/^[0-9a-f]{16}$/);
});

it('compares, and leaves out', () => {
  expect(sameJson(undefined, null)).toBe(true);
  expect(sameJson({ a: 1 }, { a: 2 })).toBe(false);
  expect(without({ a: 1, b: 2 }, 'a')).toEqual({ b: 2 });
});
