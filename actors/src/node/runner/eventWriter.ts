import { explain } from '@ifactor/common';
import type { Log } from '@ifactor/common';
import type { RecordedEvent } from '@ifactor/crds';
import type { Clock } from '@ifactor/common';
import type { Journal } from '../journal/journal.ts';
import { Signal } from './signal.ts';

type Store = Pick<Journal, 'append' | 'room'>;

/** Between two tries to write a journal that cannot be written. */
const retryMs = 1000;

/** Stores events, and retries until they are stored. */
export class EventWriter {
  /** All waiting events are stored. */
  readonly recovered = new Signal();
  readonly #journal: Store;
  readonly #clock: Clock;
  readonly #log: Log;
  #trouble: { reason: string; cancel: () => void } | null = null;

  constructor(journal: Store, clock: Clock, log: Log) {
    this.#journal = journal;
    this.#clock = clock;
    this.#log = log;
  }

  /** Why events are not stored now, in words; null where they are. */
  get trouble(): string | null {
    return this.#trouble?.reason ?? null;
  }

  /** How many events may be made now. While the journal cannot be written the node keeps repairing, as long as no event is lost. */
  get room(): number {
    if (this.#journal.room === 0) this.store([]);
    return this.#journal.room;
  }

  store(recorded: readonly RecordedEvent[]): void {
    const before = this.#trouble;
    before?.cancel();
    try {
      this.#journal.append(recorded);
    } catch (error) {
      const reason = explain(error);
      if (!before)
        this.#log.error('failed to store events; keeping them in memory and retrying', {
          error: reason,
          room: this.#journal.room,
        });
      this.#trouble = { reason, cancel: this.#clock.after(retryMs, () => this.store([])) };
      return;
    }
    if (!before) return;
    this.#trouble = null;
    this.#log.info('storing events again');
    this.recovered.emit();
  }

  stop(): void {
    this.#trouble?.cancel();
  }
}
