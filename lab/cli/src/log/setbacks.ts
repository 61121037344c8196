import type { RecordedEvent } from '@ifactor/crds';

/** The journal's id, from an event's. */
export function journalOf({ id }: RecordedEvent): string {
  const end = id.lastIndexOf('.');
  return id.slice(id.lastIndexOf('.', end - 1) + 1, end);
}

/** By `<node> <journal>`: from which number on its events never happened for the agent. */
export type Cuts = ReadonlyMap<string, number>;

/**
 * A power cut can take a journal's last events after they were shipped. Then the next journal id goes on from an earlier number,
 * with AgentStarted, and what stands above it never happened for the agent. A journal that was lost, not set back, begins with
 * something else: an agent that remembers nobody.
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

/** Whether an event happened for its agent. */
export const happened = (cuts: Cuts, event: RecordedEvent): boolean =>
  cuts.size === 0 || event.sequence < (cuts.get(`${event.node} ${journalOf(event)}`) ?? Infinity);
