import { hashOf } from '@ifactor/actors';
import { machineVersion } from '@ifactor/crds';
import type { RecordedEvent, StatusMessage } from '@ifactor/crds';
import { begins } from '../log/lives.ts';
import type { Step } from '../log/lives.ts';
import { journalOf } from '../log/setbacks.ts';

/** What became of checking one actor. `unknown`: the log does not hold enough to tell. */
export type FoldVerdict = { result: 'equal' | 'differs' | 'behind' | 'unknown'; events: number; why?: string };

/** A number that is missing, doubled or out of order in a node's log; or, by the word of the event `found`, `lost` ones that have none. */
export type Fault =
  | { node: string; after: number; found: number; kind: 'gap' | 'double' | 'order' }
  | { node: string; found: number; kind: 'lost'; events: number; since: string };

/** Looks for gaps and doubles in the numbers of each node's events, as any reader of the log sees them. */
export class Continuity {
  readonly faults: Fault[] = [];
  readonly #last = new Map<string, number>();
  readonly #told = new Set<string>();

  see(event: RecordedEvent): void {
    const { node, sequence } = event;
    const journal = `${node} ${journalOf(event)}`;
    const last = this.#last.get(journal);
    const lost = event.type === 'AgentStarted' ? event.data.lost : undefined;
    // Each actor of the node says so.
    if (lost && !this.#told.has(`${journal} ${lost.since}`)) {
      this.#told.add(`${journal} ${lost.since}`);
      this.faults.push({ node, found: sequence, kind: 'lost', ...lost });
    }
    if (last !== undefined && sequence !== last + 1) {
      this.faults.push({
        node,
        after: last,
        found: sequence,
        kind: sequence > last ? 'gap' : sequence === last ? 'double' : 'order',
      });
    }
    this.#last.set(journal, Math.max(sequence, last ?? 0));
  }
}

/**
 * Compares the fold of one actor's log, step by step: with the state that each event records, and where the agent published the
 * digest of its snapshot, with that digest.
 */
export class Check {
  readonly #published: { sequence: number; type: string; hash: string } | undefined;
  #events = 0;
  #hash: string | undefined;
  #found: Pick<FoldVerdict, 'result' | 'why'> | undefined;

  constructor(status: StatusMessage | undefined) {
    const last = status?.status.lastEvent;
    if (status !== undefined && last !== undefined)
      this.#published = { sequence: last.sequence, type: last.type, hash: status.hash };
  }

  see({ event, snapshot }: Step): void {
    this.#events++;
    if (this.#found !== undefined) return;
    const { sequence, type, machine, state } = event;
    if (this.#events === 1 && !begins(event)) {
      this.#found = {
        result: 'unknown',
        why: `the log lacks its first events: it begins with event ${sequence} (${type})`,
      };
    } else if (state !== snapshot.value) {
      const what = `event ${sequence} (${type}): the agent was ${state}, the fold is ${snapshot.value}`;
      this.#found =
        machine === machineVersion
          ? { result: 'differs', why: what }
          : {
              result: 'unknown',
              why: `${what}; machine version ${machine} decided so, this is version ${machineVersion}`,
            };
    } else if (sequence === this.#published?.sequence && type === this.#published.type) this.#hash = hashOf(snapshot);
  }

  verdict(): FoldVerdict {
    return { events: this.#events, ...(this.#found ?? this.#compared()) };
  }

  #compared(): Pick<FoldVerdict, 'result' | 'why'> {
    if (this.#published === undefined)
      return { result: 'equal', why: 'by the states in the log; no digest is published' };
    const { sequence, hash } = this.#published;
    if (this.#hash === undefined)
      return { result: 'behind', why: `the agent speaks of event ${sequence}, which is not in the log` };
    if (this.#hash !== hash)
      return { result: 'differs', why: `at event ${sequence} the agent's digest is ${hash}, the fold's ${this.#hash}` };
    return { result: 'equal' };
  }
}
