import type { RecordedEvent } from '@ifactor/crds';

/** The journal's id, from an event's. */
export function journalOf({ id }: RecordedEvent): string {
  const end = id.lastIndexOf('.');
  return id.slice(id.lastIndexOf('.', end - 1) + 1, end);
}

/** By `<node> <journal>`: the first sequence number of the events that the agent lost. */
export type Cuts = ReadonlyMap<string, number>;

/**
 * A power cut can remove a journal's last events after they were shipped. The next journal then continues at an earlier number,
 * with AgentStarted; shipped events from that number on are not part of the agent's state. A journal that was lost as a whole
 * begins with another event, as the agent has no actors to restore.
 */
export class Setbacks {
  readonly cuts = new Map<string, number>();
  readonly #nodes = new Map<string, { journals: Set<string>; last: number }>();

  see(event: RecordedEvent): void {
    const { node, sequence, type } = event;
    const journal = `${node} ${journalOf(event)}`;
    const known = this.#nodes.get(node);
    if (known === undefined) {
      this.#nodes.set(node, { journals: new Set([journal]), last: sequence });
      return;
    }
    if (!known.journals.has(journal) && type === 'AgentStarted' && sequence <= known.last) {
      for (const former of known.journals) this.cuts.set(former, Math.min(sequence, this.cuts.get(former) ?? sequence));
    }
    known.journals.add(journal);
    known.last = sequence;
  }
}

/** Whether an event is part of its agent's state: no setback has dropped it. */
export const happened = (cuts: Cuts, event: RecordedEvent): boolean =>
  cuts.size === 0 || event.sequence < (cuts.get(`${event.node} ${journalOf(event)}`) ?? Infinity);
