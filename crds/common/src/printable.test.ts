import { expect, test } from 'vitest';
import { createLog, explain, printable } from './index.ts';

const nasty = 'a\u001b[31m\u009b2J\u0007\r\u202eb';

test('what a terminal would obey is printed as what it is', () => {
  expect(printable(nasty)).toBe('a\\u001b[31m\\u009b2J\\u0007\\u000d\\u202eb');
  expect(printable('über 名前\ttab\nline')).toBe('über 名前\ttab\nline');
});

test('JSON text means the same afterwards', () => {
  expect(JSON.parse(printable(JSON.stringify({ nasty })))).toEqual({ nasty });
});

test('a log line and an error never carry a control character', () => {
  const lines: string[] = [];
  const log = createLog('agent', 'info', (line) => lines.push(line));
  log.warn(`link ${nasty}`, { name: nasty, error: new Error(nasty) });
  expect(lines.join('').trimEnd()).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  expect(explain(new Error('no link', { cause: new Error(nasty) }))).toBe(`no link: ${printable(nasty)}`);
});
