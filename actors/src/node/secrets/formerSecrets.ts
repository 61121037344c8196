import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SealedSecretSchema } from '@ifactor/crds';
import type { Key, SealedSecret } from '@ifactor/crds';

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
    this.#known.set(spell(key), all);
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const path = this.#path(key);
    writeFileSync(`${path}.new`, JSON.stringify(all), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  of(key: Key): readonly SealedSecret[] {
    const known = this.#known.get(spell(key));
    if (known) return known;
    const read = readKept(this.#path(key));
    this.#known.set(spell(key), read);
    return read;
  }

  drop(key: Key): void {
    if (this.#known.get(spell(key))?.length === 0) return;
    this.#known.set(spell(key), []);
    rmSync(this.#path(key), { force: true });
  }

  forget(key: Key): void {
    this.drop(key);
    this.#known.delete(spell(key));
  }

  #path(key: Key): string {
    return join(this.#folder, spell(key));
  }
}

const spell = ({ kind, namespace, name }: Key): string => `${namespace}.${kind}.${name}`;

/** A file that is not there, or was torn, holds nothing: then a rollback says which key is not at hand. */
function readKept(path: string): SealedSecret[] {
  try {
    return SealedSecretSchema.array().parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return [];
  }
}
