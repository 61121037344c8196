import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Json } from '@ifactor/common/json';
import { part, text } from '@ifactor/common/json';
import { servedApiVersion } from '../schema/resource.ts';
import type { ServedResource } from '../schema/resource.ts';
import { gone } from '../status.ts';

export type StoredChange = {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  revision: number;
  resource: string;
  object: Json;
  before: Json | null;
};

/** Changes that a watch can still begin before. */
const remembered = 5000;

/** `namespace/name`, the order of lists. */
export function objectKey(object: Json): string {
  const metadata = part(object, 'metadata');
  return `${text(metadata['namespace'])}/${text(metadata['name'])}`;
}

export const resourceKey = (resource: ServedResource): string => `${servedApiVersion(resource)}/${resource.plural}`;

/** All objects with one count of revisions over them, in memory and, with a folder, on disk: safe from kill -9. */
export class VersionedStore {
  readonly #objects = new Map<string, Map<string, Json>>();
  readonly #history: StoredChange[] = [];
  readonly #listeners = new Set<(change: StoredChange) => void>();
  readonly #database: DatabaseSync | null;
  #revision = 1;
  #oldest: number;

  /** @param folder absent: nothing outlives the process */
  constructor(folder?: string) {
    this.#database = folder === undefined ? null : openDatabase(folder);
    for (const row of this.#database?.prepare('SELECT resource, name, body FROM object').all() ?? []) {
      const { resource, name, body } = row as { resource: string; name: string; body: string };
      this.#of(resource).set(name, JSON.parse(body) as Json);
    }
    const row = this.#database?.prepare('SELECT value FROM revision').get() as { value: number } | undefined;
    this.#revision = row?.value ?? 1;
    this.#oldest = this.#revision;
  }

  get revision(): number {
    return this.#revision;
  }

  get(resource: ServedResource, namespace: string, name: string): Json | undefined {
    return this.#of(resourceKey(resource)).get(`${namespace}/${name}`);
  }

  /** Objects by namespace and name; all namespaces where none is given. */
  list(resource: ServedResource, namespace?: string): Json[] {
    const objects = [...this.#of(resourceKey(resource)).entries()].filter(
      ([key]) => namespace === undefined || key.startsWith(`${namespace}/`),
    );
    return objects.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  /** Stores an object under the next revision and notifies the watches. */
  put(resource: ServedResource, object: Json): Json {
    const metadata = part(object, 'metadata');
    const key = objectKey(object);
    const objects = this.#of(resourceKey(resource));
    const before = objects.get(key) ?? null;
    const revision = ++this.#revision;
    const stored = { ...object, metadata: { ...metadata, resourceVersion: String(revision) } };
    this.#write(() => {
      this.#database
        ?.prepare('INSERT OR REPLACE INTO object (resource, name, body) VALUES (?, ?, ?)')
        .run(resourceKey(resource), key, JSON.stringify(stored));
    });
    objects.set(key, stored);
    this.#tell({
      type: before ? 'MODIFIED' : 'ADDED',
      revision,
      resource: resourceKey(resource),
      object: stored,
      before,
    });
    return stored;
  }

  remove(resource: ServedResource, object: Json): Json {
    const metadata = part(object, 'metadata');
    const key = objectKey(object);
    const revision = ++this.#revision;
    const last = { ...object, metadata: { ...metadata, resourceVersion: String(revision) } };
    this.#write(() => {
      this.#database?.prepare('DELETE FROM object WHERE resource = ? AND name = ?').run(resourceKey(resource), key);
    });
    this.#of(resourceKey(resource)).delete(key);
    this.#tell({ type: 'DELETED', revision, resource: resourceKey(resource), object: last, before: object });
    return last;
  }

  /** Calls back for each change after a revision, first those remembered. @throws ApiRefusal 410 where they are not remembered */
  follow(after: number, listener: (change: StoredChange) => void): () => void {
    if (after < this.#oldest) throw gone(`too old resource version: ${after} (${this.#oldest})`);
    if (after > this.#revision) throw gone(`resource version ${after} is in the future; list again`);
    for (const change of this.#history) if (change.revision > after) listener(change);
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  close(): void {
    this.#listeners.clear();
    this.#database?.close();
  }

  #of(key: string): Map<string, Json> {
    let objects = this.#objects.get(key);
    if (!objects) this.#objects.set(key, (objects = new Map()));
    return objects;
  }

  #write(step: () => void): void {
    if (!this.#database) return;
    this.#database.exec('BEGIN IMMEDIATE');
    step();
    this.#database.prepare('UPDATE revision SET value = ?').run(this.#revision);
    this.#database.exec('COMMIT');
  }

  #tell(change: StoredChange): void {
    this.#history.push(change);
    if (this.#history.length > remembered) this.#oldest = this.#history.shift()?.revision ?? this.#oldest;
    for (const listener of this.#listeners) listener(change);
  }
}

function openDatabase(folder: string): DatabaseSync {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(join(folder, 'objects.db'));
  database.exec(`
    PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS object (resource TEXT, name TEXT, body TEXT, PRIMARY KEY (resource, name)) STRICT;
    CREATE TABLE IF NOT EXISTS revision (value INTEGER NOT NULL) STRICT;
    INSERT INTO revision SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM revision);
  `);
  return database;
}
