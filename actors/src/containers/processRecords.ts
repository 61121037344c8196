/** Which processes this node's selectors mean by their pids, kept over restarts of the agent and of the machine. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isRecord } from '@ifactor/common/json';
import type { ProcessIdentity } from '@ifactor/common/proc';

type Known = Omit<ProcessIdentity, 'pid'>;

export class ProcessRecords {
  readonly #path: string | null;
  readonly #known: Map<number, Known>;
  #closed = false;

  /** @param path of a JSON file; null: kept in memory only */
  constructor(path: string | null) {
    this.#path = path;
    this.#known = path === null ? new Map() : read(path);
  }

  /** Whether the pid means this process: the one that was seen under it before, or the first one. */
  means({ pid, startTime, boot }: ProcessIdentity): boolean {
    const known = this.#known.get(pid);
    if (known) return known.startTime === startTime && known.boot === boot;
    this.#known.set(pid, { startTime, ...(boot === undefined ? {} : { boot }) });
    this.#save();
    return true;
  }

  /** The last selector of this pid is gone. */
  forget(pid: number): void {
    if (this.#closed || !this.#known.delete(pid)) return;
    this.#save();
  }

  /** The agent stops: what it forgets from now on stays recorded. */
  close(): void {
    this.#closed = true;
  }

  #save(): void {
    if (this.#path === null) return;
    writeFileSync(`${this.#path}.new`, JSON.stringify(Object.fromEntries(this.#known)), { mode: 0o600 });
    renameSync(`${this.#path}.new`, this.#path);
  }
}

function read(path: string): Map<number, Known> {
  try {
    const entries = Object.entries(JSON.parse(readFileSync(path, 'utf8')) as object);
    return new Map(entries.flatMap(([pid, known]) => (isKnown(known) ? [[Number(pid), known]] : [])));
  } catch {
    return new Map();
  }
}

function isKnown(value: unknown): value is Known {
  return isRecord(value) && typeof value['startTime'] === 'string' && typeof value['boot'] === 'string';
}
