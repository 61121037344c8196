import { resolve } from 'node:path';
import type { Vm } from '@ifactor/lab/vm';

const ROOT = resolve(import.meta.dirname, '../..');

/** What vitest came to inside a VM. */
export interface InsideResult {
  passed: number;
  /** Name and message of each test that failed. */
  failed: string[];
  skipped: string[];
  /** What tests logged, and how long each took. */
  output: string;
}

interface Report {
  numPassedTests: number;
  testResults: {
    name: string;
    status: string;
    message: string;
    assertionResults: { fullName: string; status: string; failureMessages?: string[] }[];
  }[];
}

/**
 * Runs test files of a workspace inside a VM, one after the other in one process: starting one takes seconds there.
 * `only`: a pattern for names of tests; those left out count as skipped. `env`: beside what every command has there.
 */
export async function runInside(
  vm: Vm,
  workspace: string,
  files: string[],
  only?: string,
  { env = {}, timeoutMs = 600_000 }: { env?: Record<string, string>; timeoutMs?: number } = {},
): Promise<InsideResult> {
  const output = '/run/ifactor-inside.json';
  const flags = [
    '--no-isolate',
    '--pool=threads',
    '--maxWorkers=1',
    '--testTimeout=60000',
    '--hookTimeout=60000',
    '--reporter=json',
    '--reporter=verbose',
    `--outputFile.json=${output}`,
  ];
  if (only !== undefined) flags.push(`--testNamePattern=${only}`);
  const vitest = resolve(ROOT, 'node_modules/vitest/vitest.mjs');
  const ran = await vm.run([process.execPath, vitest, 'run', ...flags, ...files], {
    cwd: resolve(ROOT, workspace),
    env,
    timeoutMs,
  });
  const { stdout } = await vm.run(['cat', output]);
  if (!stdout) throw new Error(`vitest wrote no report inside the VM (code ${ran.code}):\n${ran.stdout}${ran.stderr}`);
  const report: Report = JSON.parse(stdout);
  const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  const unloaded = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  );
  return {
    passed: report.numPassedTests,
    output: ran.stdout + ran.stderr,
    failed: [
      ...unloaded.map(({ name, message }) => `${name}: ${message}`),
      ...tests
        .filter(({ status }) => status === 'failed')
        .map(({ fullName, failureMessages = [] }) => `${fullName}: ${failureMessages.join('\n')}`),
    ],
    skipped: tests.filter(({ status }) => status !== 'failed' && status !== 'passed').map(({ fullName }) => fullName),
  };
}
