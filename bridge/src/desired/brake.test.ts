import { TestClock } from '@ifactor/common/testing';
import { expect, test } from 'vitest';
import { Brake } from './brake.ts';

function braked(living: number) {
  const clock = new TestClock();
  const held: string[] = [];
  const admitted: string[] = [];
  const brake = new Brake({
    living: () => living,
    held: (waiting, limit) => held.push(`${waiting} of ${limit}`),
    admitted: (key) => admitted.push(key),
    clock,
  });
  const ask = (from: number, count: number): boolean[] =>
    Array.from({ length: count }, (_, at) => brake.admits(`k${from + at}`));
  return { brake, clock, held, admitted, ask };
}

test('ten may always go, after a moment in which more may turn up', async () => {
  const { brake, clock, held, admitted, ask } = braked(10);
  expect(ask(0, 10)).toEqual(Array(10).fill(false));
  await clock.pass(999);
  expect(admitted).toEqual([]);
  await clock.pass(1);
  expect(admitted).toHaveLength(10);
  expect(held).toEqual([]);
  expect(brake.admits('k0')).toBe(true);
  expect(brake.waiting).toBe(0);
});

test('eleven of ten wait, all of them, until a person accepts as many', async () => {
  const { brake, clock, held, admitted, ask } = braked(10);
  ask(0, 11);
  await clock.pass(1000);
  expect(admitted).toEqual([]);
  expect(held).toEqual(['11 of 10']);
  await clock.pass(120_000);
  expect(ask(0, 11)).toEqual(Array(11).fill(false));
  await clock.pass(120_000);
  expect(admitted).toEqual([]);
  expect(brake.release(10)).toBe(0);
  expect(brake.release(Number('many'))).toBe(0);
  expect(admitted).toEqual([]);
  expect(brake.release(11)).toBe(11);
  expect(admitted).toHaveLength(11);
  expect(brake.admits('k10')).toBe(true);
});

test.each([
  [100, 20, true],
  [100, 21, false],
  [49, 10, true],
  [54, 10, true],
  [54, 11, false],
  [55, 11, true],
])('of %i living ones %i go: %s', async (living, count, go) => {
  const { clock, held, admitted, ask } = braked(living);
  ask(0, count);
  await clock.pass(1000);
  expect(admitted).toHaveLength(go ? count : 0);
  expect(held).toHaveLength(go ? 0 : 1);
});

test('what went within the last minute counts', async () => {
  const { clock, held, admitted, ask } = braked(10);
  ask(0, 6);
  await clock.pass(1000);
  expect(admitted).toHaveLength(6);
  await clock.pass(30_000);
  ask(10, 5);
  await clock.pass(1000);
  expect(held).toEqual(['5 of 10']);
  const later = braked(10);
  later.ask(0, 6);
  await later.clock.pass(1000);
  await later.clock.pass(60_000);
  later.ask(10, 5);
  await later.clock.pass(1000);
  expect(later.held).toEqual([]);
  expect(later.admitted).toHaveLength(11);
});

test('objects that are seen again no longer count; the rest goes on where it is few', async () => {
  const { brake, clock, held, admitted, ask } = braked(10);
  ask(0, 12);
  await clock.pass(1000);
  expect(held).toHaveLength(1);
  brake.forget('k0');
  await clock.pass(1000);
  expect(held).toHaveLength(2);
  brake.forget('k1');
  await clock.pass(1000);
  expect(admitted).toHaveLength(10);
  expect(admitted).not.toContain('k1');
  // Stored: the next time, absence is checked again.
  brake.forget('k5');
  expect(brake.admits('k5')).toBe(false);
});

test('a plan counts for its children; what another bridge leads is forgotten', async () => {
  const { brake, clock, held, admitted } = braked(10);
  brake.admits('plan', 11);
  await clock.pass(1000);
  expect(held).toEqual(['11 of 10']);
  expect(brake.waiting).toBe(11);
  brake.clear();
  expect(brake.waiting).toBe(0);
  expect(brake.release(100)).toBe(0);
  brake.admits('a');
  brake.clear();
  await clock.pass(2000);
  expect(admitted).toEqual([]);
});

test('asking again, or forgetting what nobody asked for, does not put off the decision', async () => {
  const { brake, clock, admitted } = braked(10);
  brake.admits('a');
  await clock.pass(500);
  brake.admits('a');
  brake.forget('b');
  await clock.pass(500);
  expect(admitted).toEqual(['a']);
});

test('what was released before the decision is due is not said to be held', async () => {
  const { brake, clock, held, admitted, ask } = braked(10);
  ask(0, 11);
  expect(brake.release(11)).toBe(11);
  await clock.pass(1000);
  expect(held).toEqual([]);
  expect(admitted).toHaveLength(11);
});

test('of the last minute each tombstone counts once, and at its end no more', async () => {
  const { clock, held, admitted, ask } = braked(100);
  ask(0, 10);
  await clock.pass(1000);
  ask(10, 10);
  await clock.pass(1000);
  expect(held).toEqual([]);
  expect(admitted).toHaveLength(20);
  // The first ten were admitted 60 s before these are decided on.
  await clock.pass(58_000);
  ask(20, 10);
  await clock.pass(1000);
  expect(held).toEqual([]);
  expect(admitted).toHaveLength(30);
});

test('what one bridge was allowed is not allowed to the next that leads', async () => {
  const { brake, clock } = braked(10);
  brake.admits('a');
  await clock.pass(1000);
  expect(brake.admits('a')).toBe(true);
  brake.clear();
  expect(brake.admits('a')).toBe(false);
});
