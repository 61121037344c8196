import { hashOf } from '@ifactor/actors';
import type { RecordedEvent, StatusMessage } from '@ifactor/crds';
import { actorOf, journalOf, lived, replay } from './lives.ts';

/** What became of checking one actor. `unknown`: the log does not hold enough to tell. */
export type Verdict = { actor: string; result: 'equal' | 'differs' | 'behind' | 'unknown'; events: number; why?: string };

/** A number that is missing, doubled or out of order in a node's log. */
export type Fault = { node: string; after: number; found: number; kind: 'gap' | 'double' | 'order' };

/** Looks for gaps and doubles in the numbers of each node's events, as any reader of the log sees them. */
export class Continuity {
  readonly faults: Fault[] = [];
  /** First number that the log holds of each node's journal. */
  readonly begins = new Map<string, number>();
  readonly #last = new Map<string, number>();

  see(event: RecordedEvent): void {
    const { node, sequence } = event;
    const journal = `${node} ${journalOf(event)}`;
    const last = this.#last.get(journal);
    if (last === undefined) this.begins.set(journal, sequence);
    else if (sequence !== last + 1) {
      this.faults.push({ node, after: last, found: sequence, kind: sequence > last ? 'gap' : sequence === last ? 'double' : 'order' });
    }
    this.#last.set(journal, Math.max(sequence, last ?? 0));
  }
}

/**
 * Folds one actor's log and compares: the state that each event records, and where the agent published the digest of its
 * snapshot, that digest.
 */
export function verifyActor(events: readonly RecordedEvent[], status: StatusMessage | undefined): Verdict {
  const [first] = events;
  const actor = first === undefined ? '' : actorOf(first);
  const verdict = (result: Verdict['result'], why?: string): Verdict => ({ actor, result, events: events.length, ...(why === undefined ? {} : { why }) });
  const begins = first?.type === 'SpecChanged' || first?.type === 'DeletionRequested';
  if (!begins) return verdict('unknown', `the log begins amid its life, with event ${first?.sequence} (${first?.type})`);
  const published = status?.status.lastEvent?.sequence;
  let hash: string | undefined;
  for (const { event, snapshot } of replay(lived(events))) {
    if (event.state !== snapshot.value) {
      return verdict('differs', `event ${event.sequence} (${event.type}): the agent was ${event.state}, the fold is ${snapshot.value}`);
    }
    if (event.sequence === published && event.type === status?.status.lastEvent?.type) hash = hashOf(snapshot);
  }
  if (status === undefined || published === undefined) return verdict('equal', 'by the states in the log; no digest is published');
  if (hash === undefined) return verdict('behind', `the agent speaks of event ${published}, which is not in the log`);
  if (hash !== status.hash) return verdict('differs', `at event ${published} the agent's digest is ${status.hash}, the fold's ${hash}`);
  return verdict('equal');
}
