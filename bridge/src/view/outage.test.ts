import { createLog } from '@ifactor/common';
import { TestClock } from '@ifactor/common/testing';
import { expect, test } from 'vitest';
import { createOutage } from './outage.ts';

test('many that wait for one server make one line, repeated rarely, and one when it is back', async () => {
  const lines: string[] = [];
  const clock = new TestClock();
  const outage = createOutage(
    createLog('bridge', 'info', (line) => lines.push(line.replace(/^\S+ /, '').trim())),
    'it is back',
    30_000,
    clock,
  );
  for (const who of ['a', 'b', 'c']) outage.down(who, 'waiting', new Error('refused'));
  await clock.pass(29_000);
  outage.down('a', 'waiting', new Error('refused'));
  expect(lines).toEqual(['warn  bridge waiting error=refused']);
  await clock.pass(2000);
  outage.down('b', 'waiting', new Error('refused'));
  expect(lines).toHaveLength(2);
  for (const who of ['a', 'b', 'c']) outage.up(who);
  outage.up('a');
  expect(lines.slice(2)).toEqual(['info  bridge it is back']);
});
