import { timestamp } from '@ifactor/common';
import type { Clock } from '@ifactor/common';
import { machineVersion } from '@ifactor/crds';
import type { Operation, RecordedEvent } from '@ifactor/crds';
import { fold } from '../../interface/machine/fold.ts';
import type { Journal } from '../journal/journal.ts';
import type { Item } from './deferredFacts.ts';

/** Folds facts into their actors, and creates the events that must be stored before operations begin. */
export class EventRecorder {
  readonly #journal: Pick<Journal, 'node' | 'sequence' | 'eventId'>;
  readonly #clock: Clock;

  constructor(journal: Pick<Journal, 'node' | 'sequence' | 'eventId'>, clock: Clock) {
    this.#journal = journal;
    this.#clock = clock;
  }

  /** @param position how many events were made and not stored yet @throws what the machine throws; then nothing has changed */
  record({ actor, fact, cause }: Item, position: number): { event: RecordedEvent; operations: readonly Operation[] } {
    const sequence = this.#journal.sequence + position + 1;
    const id = this.#journal.eventId(sequence);
    const time = timestamp(this.#clock);
    const { snapshot, operations } = fold(actor.snapshot, { ...fact, time });
    actor.snapshot = snapshot;
    actor.lastEvent = { sequence, type: fact.type, time };
    actor.unsaved++;
    const event: RecordedEvent = {
      ...fact,
      time,
      id,
      sequence,
      node: this.#journal.node,
      key: actor.key,
      causationId: cause?.id || null,
      correlationId: cause?.correlation ?? id,
      state: snapshot.value,
      machine: machineVersion,
    };
    return { event, operations };
  }
}
