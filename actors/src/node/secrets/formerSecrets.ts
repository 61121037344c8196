import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SealedSecretSchema } from '@ifactor/crds';
import type { Key, SealedSecret } from '@ifactor/crds';
import { fileNameOf } from './fileName.ts';

/**
 * Sealed secrets of former specs, for as long as a change may be rolled back to one: the bridge delivers those of the declared spec
 * only. One file per interface, in `<state folder>/former`; as sealed as they came.
 */
export class FormerSecrets {
  readonly #folder: string;
  readonly #known = new Map<string, readonly SealedSecret[]>();

  constructor(folder: string) {
    this.#folder = join(folder, 'former');
  }

  /** Adds to what is kept. @throws Error where it cannot be written */
  keep(key: Key, sealed: readonly SealedSecret[]): void {
    const kept = this.of(key);
    const fresh = sealed.filter(
      ({ ref, version }) => !kept.some((other) => other.ref === ref && other.version === version),
    );
    if (fresh.length === 0) return;
    const all = [...kept, ...fresh];
    this.#known.set(fileNameOf(key), all);
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const path = this.#path(key);
    writeFileSync(`${path}.new`, JSON.stringify(all), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  of(key: Key): readonly SealedSecret[] {
    const known = this.#known.get(fileNameOf(key));
    if (known) return known;
    const read = readFile(this.#path(key));
    this.#known.set(fileNameOf(key), read);
    return read;
  }

  drop(key: Key): void {
    if (this.#known.get(fileNameOf(key))?.length === 0) return;
    this.#known.set(fileNameOf(key), []);
    rmSync(this.#path(key), { force: true });
  }

  forget(key: Key): void {
    this.drop(key);
    this.#known.delete(fileNameOf(key));
  }

  #path(key: Key): string {
    return join(this.#folder, fileNameOf(key));
  }
}

/** A file that is not there, or was torn, holds nothing: then a rollback says which key is not available. */
function readFile(path: string): SealedSecret[] {
  try {
    return SealedSecretSchema.array().parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return [];
  }
}
