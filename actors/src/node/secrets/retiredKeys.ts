import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Clock } from '@ifactor/common';
import type { Key } from '@ifactor/crds';
import { fileNameOf } from './fileName.ts';

/**
 * Private keys that were made on this node for interfaces whose object is gone, in `<state folder>/keys/retired`. Other ends still
 * know them by their public key, so an object of the same namespace, kind and name gets its key back.
 */
export class RetiredKeys {
  readonly #folder: string;
  readonly #clock: Clock;

  /** @param folder of the keys in use */
  constructor(folder: string, clock: Clock) {
    this.#folder = join(folder, 'retired');
    this.#clock = clock;
  }

  /** Retires the key file at `path`; nothing if the file is missing. @throws the file system's errors */
  retire(key: Key, path: string): void {
    if (!existsSync(path)) return;
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const retired = this.#pathOf(key);
    renameSync(path, retired);
    const seconds = this.#clock.now() / 1000;
    utimesSync(retired, seconds, seconds);
  }

  /** Gives the key back to `path`. False where none is retired. @throws the file system's errors */
  restore(key: Key, path: string): boolean {
    const retired = this.#pathOf(key);
    if (!existsSync(retired) || existsSync(path)) return false;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    renameSync(retired, path);
    return true;
  }

  /** Content of the retired key; null if the file is missing. */
  read(key: Key): Buffer | null {
    const path = this.#pathOf(key);
    return existsSync(path) ? readFileSync(path) : null;
  }

  /** Destroys the retired key of an object, or all of them. Names of the files that are gone. */
  purge(key: Key | null): string[] {
    const wanted = key === null ? null : fileNameOf(key);
    return this.#remove((name) => wanted === null || name === wanted);
  }

  /** Destroys those that were retired longer ago than that. Names of the files that are gone. */
  expire(keepMs: number): string[] {
    const oldest = this.#clock.now() - keepMs;
    return this.#remove((name) => statSync(join(this.#folder, name)).mtimeMs < oldest);
  }

  #remove(chosen: (name: string) => boolean): string[] {
    if (!existsSync(this.#folder)) return [];
    const names = readdirSync(this.#folder).filter(chosen);
    for (const name of names) rmSync(join(this.#folder, name), { force: true });
    return names;
  }

  #pathOf(key: Key): string {
    return join(this.#folder, fileNameOf(key));
  }
}
