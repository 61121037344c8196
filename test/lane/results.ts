import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';

/** What one test file of one lane came to. */
export interface FileResult {
  /** Workspace, or project of the test workspace. */
  lane: string;
  /** Path from the root of the repository. */
  file: string;
  passed: number;
  /** Names of failed tests; a file that could not be loaded counts as one, under its own name. */
  failed: string[];
  skipped: { name: string; reason: string }[];
}

/** Adds to a results folder; any number of test runners may do so at once. */
export async function writeResults(folder: string, files: FileResult[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${randomUUID()}.json`), JSON.stringify(files));
}

/** Everything that was written to a results folder. */
export async function readResults(folder: string): Promise<FileResult[]> {
  const names = await readdir(folder);
  const texts = await Promise.all(
    names.filter((name) => name.endsWith('.json')).map((name) => readFile(join(folder, name), 'utf8')),
  );
  return texts.flatMap((text): FileResult[] => JSON.parse(text));
}
