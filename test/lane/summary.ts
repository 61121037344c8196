import type { FileResult } from './results.ts';

/** What a whole test run came to. */
export interface Summary {
  passed: number;
  failed: number;
  skipped: number;
  /** Lanes, and test files, in which not one test ran. */
  idle: string[];
  /** For a person: one line per thing that did not pass, then the counts. The last line is `N passed, N failed, N skipped`. */
  lines: string[];
}

/** Sums results; a lane of `expected` that reported nothing is idle. */
export function summarize(results: readonly FileResult[], expected: readonly string[]): Summary {
  const lines: string[] = [];
  for (const { lane, file, failed, skipped } of results) {
    for (const name of failed) lines.push(`failed   ${lane}: ${file} > ${name}`);
    for (const { name, reason } of skipped)
      lines.push(`skipped  ${lane}: ${file} > ${name}${reason && ` (${reason})`}`);
  }
  const idle = expected.filter((lane) => !results.some((result) => result.lane === lane && ran(result)));
  lines.push(...idle.map((lane) => `idle     lane ${lane}: no test ran`));
  for (const result of results) {
    if (ran(result) || idle.includes(result.lane)) continue;
    idle.push(result.file);
    lines.push(`idle     ${result.lane}: ${result.file}: no test ran`);
  }
  const sum = (pick: (result: FileResult) => number) => results.reduce((total, result) => total + pick(result), 0);
  const passed = sum((result) => result.passed);
  const failed = sum((result) => result.failed.length);
  const skipped = sum((result) => result.skipped.length);
  lines.push(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  return { passed, failed, skipped, idle, lines };
}

function ran(result: FileResult): boolean {
  return result.passed + result.failed.length > 0;
}
