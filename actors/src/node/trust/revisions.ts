import { explain } from '@ifactor/common';
import type { Log } from '@ifactor/common';
import type { Journal } from '../journal/journal.ts';

/** Objects that are gone and whose last revision is remembered, at most. */
const mostGone = 10_000;
/** The entry of all that is not remembered any more. */
const rest = '';

/**
 * The highest revision that was accepted of each object, by its actor's id; also of objects that are gone, so that no older message
 * brings one back. In the journal, and in memory while that cannot be written.
 */
export class Revisions {
  readonly #journal: Pick<Journal, 'putRevisions' | 'revisions' | 'dropRevisions'>;
  readonly #log: Log;
  #since = '';
  #known = new Map<string, number>();
  readonly #unwritten = new Set<string>();

  constructor(journal: Pick<Journal, 'putRevisions' | 'revisions' | 'dropRevisions'>, log: Log) {
    this.#journal = journal;
    this.#log = log;
  }

  /** Counts those that were accepted since the key was chosen. */
  since(time: string): void {
    if (time === this.#since) return;
    this.#since = time;
    this.#unwritten.clear();
    this.#known = this.#journal.revisions(time);
  }

  of(id: string): number {
    return this.#known.get(id) ?? this.#known.get(rest) ?? 0;
  }

  accept(id: string, revision: number): void {
    if (this.#known.get(id) === revision) return;
    this.#known.set(id, revision);
    this.#unwritten.add(id);
    this.settle();
  }

  /** Writes what could not be written. */
  settle(): void {
    if (this.#unwritten.size === 0) return;
    try {
      this.#journal.putRevisions(
        this.#since,
        [...this.#unwritten].map((id) => [id, this.of(id)] as const),
      );
      this.#unwritten.clear();
    } catch (error) {
      this.#log.debug('failed to store the revisions of what is desired; retrying', { error: explain(error) });
    }
  }

  /** Forgets the oldest of those that are gone: what is older than all of them is refused, whatever it is about. */
  prune(isLive: (id: string) => boolean, most = mostGone): void {
    const gone = [...this.#known].filter(([id]) => id !== rest && !isLive(id)).toSorted(([, a], [, b]) => a - b);
    const old = gone.slice(0, Math.max(0, gone.length - most));
    const highest = old.at(-1)?.[1];
    if (highest === undefined) return;
    for (const [id] of old) {
      this.#known.delete(id);
      this.#unwritten.delete(id);
    }
    this.accept(rest, Math.max(highest, this.#known.get(rest) ?? 0));
    if (this.#unwritten.size === 0)
      this.#journal.dropRevisions(
        this.#since,
        old.map(([id]) => id),
      );
  }
}
