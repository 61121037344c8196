import { hashOf } from '@ifactor/actors';
import { machineVersion } from '@ifactor/crds';
import type { RecordedEvent, StatusMessage } from '@ifactor/crds';
import { begins } from '../log/lives.ts';
import type { FoldStep } from '../log/lives.ts';
import { journalOf } from '../log/setbacks.ts';
import { WhatIf } from './whatIf.ts';

/** The result of checking one actor. `unknown`: the log does not hold enough to decide. */
export type FoldVerdict = { result: 'equal' | 'differs' | 'behind' | 'unknown'; events: number; why?: string };

/** A number that is missing, doubled or out of order in a node's log; or events `lost` before they got one, as `found` records. */
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
    // Every actor of the node records the loss; report it once.
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

/** From this version of the machine on, a digest covers no message texts, so that it can be compared. */
const digestsSince = 3;

/**
 * Compares the fold of one actor's log, step by step: with the state that each event records, with the operations whose outcome it
 * records, and with the digest of the snapshot if the agent published one.
 */
export class Check {
  readonly #published: { sequence: number; type: string; hash: string } | undefined;
  readonly #operations = new WhatIf();
  #events = 0;
  /** The oldest version of the machine that wrote an event of this life. */
  #oldest = Infinity;
  /** The latest one. */
  #latest = 0;
  #hash: string | undefined;
  #found: Pick<FoldVerdict, 'result' | 'why'> | undefined;

  constructor(status: StatusMessage | undefined) {
    const last = status?.status.lastEvent;
    if (status !== undefined && last !== undefined)
      this.#published = { sequence: last.sequence, type: last.type, hash: status.hash };
  }

  see(step: FoldStep): void {
    const { event, before, snapshot } = step;
    const { sequence, type, machine, state } = event;
    this.#events++;
    const born = before.context.desired === null || before.context.desired.uid !== snapshot.context.desired?.uid;
    this.#oldest = born ? machine : Math.min(this.#oldest, machine);
    this.#latest = born ? machine : Math.max(this.#latest, machine);
    if (this.#found !== undefined) return;
    this.#operations.see(step);
    if (this.#events === 1 && !begins(event))
      this.#found = {
        result: 'unknown',
        why: `the log lacks its first events: it begins with event ${sequence} (${type})`,
      };
    else if (type === 'AgentStarted' && event.data.later !== undefined)
      this.#found = {
        result: 'unknown',
        why: `event ${sequence} (${type}): an older agent took over the log of machine version ${event.data.later}, and the log does not tell what it kept of it`,
      };
    else if (state !== snapshot.value)
      this.#differs(machine, `event ${sequence} (${type}): the agent was ${state}, the fold is ${snapshot.value}`);
    else if (this.#operations.difference !== null) {
      const { recorded, now } = this.#operations.difference;
      this.#differs(machine, `event ${sequence}: the agent did ${recorded}, the fold asks for ${now}`);
    } else if (sequence === this.#published?.sequence && type === this.#published.type) this.#hash = hashOf(snapshot);
  }

  #differs(machine: number, why: string): void {
    const older = `${why}; machine version ${machine} decided so, this is version ${machineVersion}`;
    this.#found = machine === machineVersion ? { result: 'differs', why } : { result: 'unknown', why: older };
  }

  verdict(): FoldVerdict {
    return { events: this.#events, ...(this.#found ?? this.#compared()) };
  }

  #compared(): Pick<FoldVerdict, 'result' | 'why'> {
    if (this.#oldest < digestsSince)
      return {
        result: 'equal',
        why: `by states and operations; machine version ${this.#oldest} wrote it, whose digests are not compared`,
      };
    if (this.#published === undefined)
      return { result: 'equal', why: 'by states and operations; no digest is published' };
    const { sequence, hash } = this.#published;
    if (this.#hash === undefined)
      return { result: 'behind', why: `the agent speaks of event ${sequence}, which is not in the log` };
    if (this.#hash !== hash && this.#latest > machineVersion)
      return {
        result: 'unknown',
        why: `machine version ${this.#latest} wrote it, this is version ${machineVersion}: read it with a later ifactor`,
      };
    if (this.#hash !== hash)
      return { result: 'differs', why: `at event ${sequence} the agent's digest is ${hash}, the fold's ${this.#hash}` };
    return { result: 'equal' };
  }
}
