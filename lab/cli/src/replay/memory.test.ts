import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { someKey, someLives } from '@ifactor/actors/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventLine, fileHeader } from '../log/file.ts';

const count = 90_000;
let folder: string;
const path = (): string => join(folder, 'long.log');

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ifactor-long-'));
  const lines = [fileHeader(new Date(0), false)];
  for (const event of someLives(
    { node: 'lax1', eventId: (sequence) => `lax1.j.${sequence}` },
    ['a', 'b', 'c'].map(someKey),
  )) {
    lines.push(eventLine(event));
    if (lines.length > count) break;
  }
  writeFileSync(path(), lines.join('\n'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each(['--verify', '--what-if'])('replay %s reads a log that is longer than its memory', (mode) => {
  const heap = 36;
  expect(statSync(path()).size).toBeGreaterThan(heap * 2 ** 20);
  const main = join(import.meta.dirname, '../main.ts');
  const out = execFileSync(process.execPath, [`--max-old-space-size=${heap}`, main, 'replay', mode, '--file', path()], {
    encoding: 'utf8',
    maxBuffer: 1e8,
  });
  expect(out).toContain(mode === '--verify' ? `3 of 3 actors equal; ${count} events, 0 gaps` : '0 of 3 actors');
});
