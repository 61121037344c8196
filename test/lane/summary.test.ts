import { expect, test } from 'vitest';
import type { FileResult } from './results.ts';
import { summarize } from './summary.ts';

const file = (lane: string, some: Partial<FileResult>): FileResult => ({
  lane,
  file: `${lane}/a.test.ts`,
  passed: 0,
  failed: [],
  skipped: [],
  ...some,
});

test('sums all files and ends with the line that CI reads', () => {
  const summary = summarize(
    [
      file('crds', { passed: 3 }),
      file('lab', { passed: 1, failed: ['breaks'], skipped: [{ name: 'later', reason: '' }] }),
    ],
    ['crds', 'lab'],
  );
  expect(summary).toMatchObject({ passed: 4, failed: 1, skipped: 1, idle: [] });
  expect(summary.lines).toEqual([
    'failed   lab: lab/a.test.ts > breaks',
    'skipped  lab: lab/a.test.ts > later',
    '4 passed, 1 failed, 1 skipped',
  ]);
});

test('a lane that reported nothing, or skipped everything, is idle', () => {
  const skipped = [{ name: 'all of it', reason: 'no engine' }];
  const summary = summarize([file('crds', { passed: 1 }), file('e2e', { skipped })], ['crds', 'e2e', 'contract']);
  expect(summary.idle).toEqual(['e2e', 'contract']);
  expect(summary.lines).toContain('skipped  e2e: e2e/a.test.ts > all of it (no engine)');
  expect(summary.lines).toContain('idle     lane contract: no test ran');
});

test('a file that skipped everything is idle even in a lane where others ran', () => {
  const summary = summarize(
    [file('lab', { passed: 1 }), file('lab', { file: 'lab/b.test.ts', skipped: [{ name: 'x', reason: '' }] })],
    ['lab'],
  );
  expect(summary.idle).toEqual(['lab/b.test.ts']);
});

test('a failing lane is not idle: it ran', () => {
  expect(summarize([file('lab', { failed: ['x'] })], ['lab']).idle).toEqual([]);
});
