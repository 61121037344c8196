import { expect, test } from 'vitest';
import { ago, duration } from './time.ts';

test('a length of time in words', () => {
  expect([0, 999, 59_400, 60_000, 185_000, 7_440_000, 442_800_000].map(duration)).toEqual([
    '0 s',
    '1 s',
    '59 s',
    '1 min',
    '3 min 5 s',
    '2 h 4 min',
    '5 d 3 h',
  ]);
});

test('how long ago; a clock that is ahead is no future', () => {
  const now = Date.parse('2026-11-23T12:00:00Z');
  expect(ago('2026-11-23T11:58:00Z', now)).toBe('2 min ago');
  expect(ago('2026-11-23T12:00:05Z', now)).toBe('just now');
});
