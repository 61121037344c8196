import { expect, test } from 'vitest';
import { searchBack } from './startOf.ts';

/** A stream of ten million messages, of which those at `places` match: where the search ends, and which counts it took. */
async function search(places: readonly number[], wanted: number, last = 10_000_000) {
  const counted: number[] = [];
  const after = await searchBack({
    wanted,
    all: places.length,
    first: 0,
    last,
    guess: Math.ceil((wanted / places.length) * last),
    countAfter: (sequence) => {
      counted.push(last - sequence);
      return Promise.resolve(places.filter((place) => place > sequence).length);
    },
  });
  return { after, counted, found: places.filter((place) => place > after).length };
}

const every = (step: number, count: number, from = step): number[] =>
  Array.from({ length: count }, (_, at) => from + at * step);

test('what is spread evenly is found near the end, exactly', async () => {
  const { found, counted } = await search(every(1000, 10_000), 20);
  expect(found).toBe(20);
  expect(Math.max(...counted)).toBeLessThanOrEqual(8 * 20_000);
});

test('what all happened long ago is found with a few counts, and not much more than was asked for', async () => {
  const { found, counted } = await search(every(1, 10_000), 100);
  expect(found).toBe(10_000);
  expect(counted.length).toBeLessThan(5);
});

test('of very many long ago no more than a window is read unasked', async () => {
  const { found, counted } = await search(every(2, 100_000), 100);
  expect(found).toBeGreaterThanOrEqual(100);
  expect(found).toBeLessThanOrEqual(10_100);
  expect(counted.length).toBeLessThan(30);
});

test('at the end of a stream it is exact, wherever they are', async () => {
  for (const places of [every(1, 50), every(7, 50), every(1, 50, 9_900), [1, 5000, 9999]])
    for (const wanted of [1, 2, 3]) expect((await search(places, wanted, 10_000)).found).toBe(wanted);
});
