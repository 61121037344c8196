import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pages, reveal, slice } from './virtual.ts';

const height = fc.integer({ min: 1, max: 2000 });
const total = fc.nat(100_000);
const top = fc.nat(3_000_000);

test('every row in view is drawn, and never more than the view and its margins hold', () => {
  fc.assert(
    fc.property(top, height, total, (at, view, rows) => {
      const { first, count, offset } = slice(at, view, 28, rows);
      expect(offset).toBe(first * 28);
      expect(first + count).toBeLessThanOrEqual(rows);
      expect(count).toBeLessThanOrEqual(Math.ceil(view / 28) + 26);
      const firstSeen = Math.floor(at / 28);
      const lastSeen = Math.min(rows - 1, Math.ceil((at + view) / 28) - 1);
      if (firstSeen <= lastSeen) {
        expect(first).toBeLessThanOrEqual(firstSeen);
        expect(first + count).toBeGreaterThan(lastSeen);
      }
    }),
  );
});

test('the pages of a slice hold all its rows', () => {
  expect(pages({ first: 95, count: 10, offset: 0 }, 100)).toEqual([0, 1]);
  expect(pages({ first: 100, count: 100, offset: 0 }, 100)).toEqual([1]);
  expect(pages({ first: 0, count: 0, offset: 0 }, 100)).toEqual([]);
});

test('a revealed row is in view, and nothing moves where it was', () => {
  fc.assert(
    fc.property(fc.nat(100_000), top, fc.integer({ min: 28, max: 2000 }), (row, at, view) => {
      const to = reveal(row, at, view, 28);
      expect(to).toBeLessThanOrEqual(row * 28);
      expect(to + view).toBeGreaterThanOrEqual(row * 28 + 28);
      expect(reveal(row, to, view, 28)).toBe(to);
    }),
  );
});
