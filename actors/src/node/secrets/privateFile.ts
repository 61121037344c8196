import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * The content of a file that is made once and then stays: `make` is called if the file is missing. Only the owner may read
 * it. Whole or absent, also after a crash or when two processes make it at once (then both get the same).
 * @throws the file system's errors, which name the path and never the content
 */
export function privateFile(path: string, make: () => Uint8Array): Buffer {
  const found = readIfThere(path);
  if (found !== null) return found;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = writeDraft(path, make());
  try {
    linkSync(draft, path);
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
  } finally {
    rmSync(draft);
  }
  return readFileSync(path);
}

/**
 * Writes what is to become a file that only its owner may read, safe from a crash, beside it.
 * @returns its path, to be linked or renamed
 * @throws the file system's errors
 */
export function writeDraft(path: string, content: string | Uint8Array): string {
  const draft = `${path}.${process.pid}`;
  const file = openSync(draft, 'w', 0o600);
  try {
    writeSync(file, typeof content === 'string' ? Buffer.from(content) : content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return draft;
}

function readIfThere(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if (isCode(error, 'ENOENT')) return null;
    throw error;
  }
}

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;
