import { createLog } from '@ifactor/common';
import { TestClock } from '@ifactor/common/testing';
import { expect, test } from 'vitest';
import { createBudgets } from './budget.ts';

const limits = { burst: { messages: 100, bytes: 10_000 }, perSecond: { messages: 10, bytes: 1000 } };

function bench() {
  const clock = new TestClock();
  const lines: string[] = [];
  const log = createLog('bridge', 'info', (line) => lines.push(line), {}, clock);
  const acted: string[] = [];
  const budgets = createBudgets(limits, log, clock);
  const say = (node: string, key: string, sizeBytes = 10, what = key): void =>
    budgets.spend(node, sizeBytes, key, () => acted.push(`${node} ${what}`));
  return { clock, lines, acted, budgets, say };
}

test('a node over its budget of messages waits, by name, and no other does', async () => {
  const { clock, lines, acted, budgets, say } = bench();
  for (let number = 0; number < 1000; number++) say('loud', `key${number % 150}`);
  say('quiet', 'key');
  expect(acted).toHaveLength(101);
  expect(acted.at(-1)).toBe('quiet key');
  expect(budgets.waiting).toBe(150);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('node=loud');
  await clock.pass(5000);
  expect(acted).toHaveLength(151);
  await clock.pass(60_000);
  expect([acted.length, budgets.waiting]).toEqual([251, 0]);
});

test('a node over its budget of bytes waits too; a message larger than all of it passes in its turn', async () => {
  const { clock, acted, say } = bench();
  for (let number = 0; number < 5; number++) say('loud', `key${number}`, 6000);
  say('loud', 'large', 50_000);
  expect(acted).toEqual(['loud key0', 'loud key1']);
  await clock.pass(120_000);
  expect(acted.slice(2)).toEqual(['loud key2', 'loud key3', 'loud key4', 'loud large']);
});

test('of a key that is said again while it waits, the last word counts once', async () => {
  const { clock, acted, say } = bench();
  for (let number = 0; number < 100; number++) say('loud', `key${number}`);
  for (let number = 0; number < 50; number++) say('loud', 'same', 10, `word${number}`);
  await clock.pass(1000);
  expect(acted.slice(100)).toEqual(['loud word49']);
});

test('nothing is remembered of a node that is within its budget again', async () => {
  const { clock, budgets, say } = bench();
  for (let node = 0; node < 1000; node++) say(`n${node}`, 'key');
  expect(budgets.nodes).toBe(1000);
  await clock.pass(2000);
  expect(budgets.nodes).toBe(0);
});
