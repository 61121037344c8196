import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { capture, must, onPath, quote } from './shell.ts';

test('a quoted word means itself to a shell, whatever it holds', () => {
  const word = fc.string({ unit: 'grapheme', maxLength: 30 }).filter((text) => !text.includes('\0'));
  fc.assert(
    fc.property(word, (text) => {
      expect(execFileSync('sh', ['-c', `printf %s ${quote(text)}`], { encoding: 'utf8' })).toBe(
        Buffer.from(text).toString(),
      );
    }),
    { numRuns: 50 },
  );
});

test('a program that fails says why', async () => {
  await expect(must('sh', ['-c', 'echo no luck >&2; exit 3'])).rejects.toThrow(/failed \(3\): no luck/);
  expect(await capture('sh', ['-c', 'exit 3'])).toMatchObject({ code: 3 });
  expect((await capture('/nonexistent/program', [])).code).toBe(127);
});

test('input reaches the program, and one that does not read it is no error', async () => {
  expect(await must('cat', [], { input: 'hello' })).toBe('hello');
  expect(await must('true', [], { input: 'x'.repeat(1_000_000) })).toBe('');
});

test('programs are found on PATH, or by their path', () => {
  expect(onPath('sh')).toMatch(/\/sh$/);
  expect(onPath('/bin/sh')).toBe('/bin/sh');
  expect(onPath('no-such-program-here')).toBeUndefined();
});
