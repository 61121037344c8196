import { isIP } from 'node:net';
import { expect, test } from 'vitest';
import { TestClock } from '@ifactor/common/testing';
import { withTimeLimit, systemResolve } from './resolver.ts';

test('names are resolved as the machine does', async () => {
  const found = await systemResolve('localhost');
  expect(found.length).toBeGreaterThan(0);
  expect(found.every((address) => isIP(address) > 0)).toBe(true);
});

test('a name that several ask for is looked up once at a time', async () => {
  const asked: string[] = [];
  const resolve = withTimeLimit(async (host) => {
    asked.push(host);
    return ['192.0.2.1', '192.0.2.2'];
  }, new TestClock());
  expect(await Promise.all([resolve('a'), resolve('a'), resolve('b')])).toEqual(
    Array.from({ length: 3 }, () => ['192.0.2.1', '192.0.2.2']),
  );
  expect(asked).toEqual(['a', 'b']);
  await resolve('a');
  expect(asked).toEqual(['a', 'b', 'a']);
});

test('a resolver that does not answer is not waited for, and an empty answer is none', async () => {
  const clock = new TestClock();
  const silent = withTimeLimit(() => new Promise(() => undefined), clock)('a').catch((error: Error) => error.message);
  await clock.pass(2000);
  expect(await silent).toBe('no resolver answered within 2 s');
  await expect(withTimeLimit(async () => [], clock)('a')).rejects.toThrow('it has no address');
});
