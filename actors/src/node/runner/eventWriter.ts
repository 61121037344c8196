import { explain } from '@ifactor/common';
import type { Log } from '@ifactor/common';
import type { RecordedEvent } from '@ifactor/crds';
import type { Clock } from '@ifactor/common';
import type { Journal } from '../journal/journal.ts';

export type EventWriterOptions = {
  journal: Pick<Journal, 'append' | 'room'>;
  clock: Clock;
  log: Log;
  /** Everything that waited is stored. */
  recovered: () => void;
};

/** Milliseconds between two tries to write a journal that cannot be written. */
const again = 1000;

/** Stores events, and tries for ever where they cannot be stored. */
export class EventWriter {
  readonly #options: EventWriterOptions;
  #trouble: { reason: string; cancel: () => void } | null = null;

  constructor(options: EventWriterOptions) {
    this.#options = options;
  }

  /** Why events are not stored now, in words; null where they are. */
  get trouble(): string | null {
    return this.#trouble?.reason ?? null;
  }

  /** How many events may be made now. A journal that cannot be written must not keep the node from healing, as long as none is lost by it. */
  get room(): number {
    const { journal } = this.#options;
    if (journal.room === 0) this.store([]);
    return journal.room;
  }

  store(recorded: readonly RecordedEvent[]): void {
    const { journal, log, clock, recovered } = this.#options;
    const before = this.#trouble;
    before?.cancel();
    try {
      journal.append(recorded);
    } catch (error) {
      const reason = explain(error);
      if (!before) log.error('events cannot be stored; they wait in memory', { error: reason, room: journal.room });
      this.#trouble = { reason, cancel: clock.after(again, () => this.store([])) };
      return;
    }
    if (!before) return;
    this.#trouble = null;
    log.info('events are stored again');
    recovered();
  }

  stop(): void {
    this.#trouble?.cancel();
  }
}
