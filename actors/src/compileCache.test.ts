import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

/** A process that keeps what it compiles, as the agent does, and loads a module. */
function run(stateDir: string, version: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'ift-loaded-'));
  const loaded = join(folder, 'loaded.mjs');
  try {
    writeFileSync(loaded, 'export const one = () => 1;\n');
    const program = `
      const { keepCompiled } = await import(${JSON.stringify(join(import.meta.dirname, 'compileCache.ts'))});
      keepCompiled(${JSON.stringify(stateDir)}, ${JSON.stringify(version)});
      await import(${JSON.stringify(loaded)});`;
    execFileSync(process.execPath, ['--input-type=module', '--eval', program], { stdio: 'inherit' });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function makeStateDir(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ift-compiled-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('keeps what a version compiled, for root alone, and removes what another version left', () => {
  const stateDir = makeStateDir();
  run(stateDir, '1.0.0');
  const files = readdirSync(join(stateDir, 'compiled', '1.0.0'), { recursive: true, withFileTypes: true });
  expect(files.filter((file) => file.isFile())).not.toEqual([]);
  expect(statSync(join(stateDir, 'compiled')).mode & 0o777).toBe(0o700);
  run(stateDir, '1.0.1');
  expect(readdirSync(join(stateDir, 'compiled'))).toEqual(['1.0.1']);
});

test('does without where there is no state folder, and where a file stands in the way', () => {
  const stateDir = makeStateDir();
  run(join(stateDir, 'missing'), '1.0.0');
  expect(existsSync(join(stateDir, 'missing'))).toBe(false);
  mkdirSync(join(stateDir, 'blocked'));
  writeFileSync(join(stateDir, 'blocked', 'compiled'), '');
  run(join(stateDir, 'blocked'), '1.0.0');
  expect(readdirSync(join(stateDir, 'blocked'))).toEqual(['compiled']);
});
