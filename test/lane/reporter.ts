import { basename, relative, resolve } from 'node:path';
import type { Reporter, TestModule } from 'vitest/node';
import { writeResults, type FileResult } from './results.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** Vitest reporter that writes what became of each test to the folder IFACTOR_RESULTS, where that is set. */
export default class LaneReporter implements Reporter {
  async onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): Promise<void> {
    const folder = process.env['IFACTOR_RESULTS'];
    if (!folder) return;
    const files = modules.map(count);
    // An error outside any test fails the run, so the sums must show it.
    if (errors.length > 0)
      files.push({
        lane: basename(process.cwd()),
        file: '',
        passed: 0,
        failed: [`${errors.length} unhandled errors`],
        skipped: [],
      });
    await writeResults(folder, files);
  }
}

function count(module: TestModule): FileResult {
  const file = relative(ROOT, module.moduleId);
  const result: FileResult = {
    lane: module.project.name || basename(process.cwd()),
    file,
    passed: 0,
    failed: [],
    skipped: [],
  };
  for (const test of module.children.allTests()) {
    const outcome = test.result();
    if (outcome.state === 'passed') result.passed += 1;
    else if (outcome.state === 'failed') result.failed.push(test.fullName);
    else
      result.skipped.push({
        name: test.fullName,
        reason: outcome.state === 'skipped' ? (outcome.note ?? '') : 'did not finish',
      });
  }
  if (module.state() === 'failed' && result.failed.length === 0) result.failed.push(file);
  return result;
}
