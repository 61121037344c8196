import { expect, test } from 'vitest';
import { isNewEnough } from './natsBinary.ts';

test.each([
  ['2.9.10', false],
  ['2.10.0', true],
  ['2.15.1', true],
  ['3.0.0', true],
  ['1.99.0', false],
  ['2.10.0-RC.1', true],
])('nats-server %s is new enough: %s', (version, expected) => {
  expect(isNewEnough(version)).toBe(expected);
});
