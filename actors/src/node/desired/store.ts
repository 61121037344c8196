import { explain } from '@ifactor/common';
import type { Log } from '@ifactor/common';
import type { Desired } from '@ifactor/crds';
import type { Journal } from '../journal/journal.ts';

/** The last message on each object, by its actor's id; in memory, and in the journal for a start without NATS. */
export class DesiredStore {
  readonly #journal: Pick<Journal, 'putDesired' | 'deleteDesired'>;
  readonly #log: Log;
  readonly #known: Map<string, Desired>;
  /** Ids of which the journal holds another message than this store. */
  readonly #unwritten = new Set<string>();

  constructor(journal: Pick<Journal, 'allDesired' | 'putDesired' | 'deleteDesired'>, log: Log) {
    this.#journal = journal;
    this.#log = log;
    this.#known = journal.allDesired();
  }

  get(id: string): Desired | undefined {
    return this.#known.get(id);
  }

  all(): Desired[] {
    return [...this.#known.values()];
  }

  put(id: string, desired: Desired): void {
    if (JSON.stringify(this.#known.get(id)) === JSON.stringify(desired)) return;
    this.#known.set(id, desired);
    this.#write(id);
  }

  delete(id: string): void {
    this.#known.delete(id);
    this.#write(id);
  }

  /** Writes what could not be written: otherwise a start without NATS would bring back an object that was deleted. */
  settle(): void {
    for (const id of this.#unwritten) this.#write(id);
  }

  #write(id: string): void {
    const desired = this.#known.get(id);
    try {
      if (desired) this.#journal.putDesired(id, desired);
      else this.#journal.deleteDesired(id);
      this.#unwritten.delete(id);
    } catch (error) {
      if (this.#unwritten.size === 0)
        this.#log.error('failed to store the desired state; retrying', { error: explain(error) });
      this.#unwritten.add(id);
    }
  }
}
