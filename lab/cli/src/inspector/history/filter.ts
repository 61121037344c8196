import type { Filter } from '../protocol.ts';
import type { EventLog } from './log.ts';
import { rank } from './track.ts';

/** How many of the latest filters are cached. */
const remembered = 8;

type Matches = { positions: number[]; upTo: number };

/** The lists of a log under the filters that were asked for most recently, each grown as the log grows. */
export class Filters {
  readonly #log: EventLog;
  readonly #lists = new Map<string, Matches>();

  constructor(log: EventLog) {
    this.#log = log;
  }

  /** The number of matching events, and the positions of the requested slice. */
  slice(filter: Filter, from: number, count: number): { total: number; positions: readonly number[] } {
    const { start, held } = this.#log;
    if (everything(filter)) {
      const length = Math.max(0, Math.min(count, held - from));
      return { total: held, positions: Array.from({ length }, (_, step) => start + from + step + 1) };
    }
    const { positions } = this.#matches(filter);
    return { total: positions.length, positions: positions.slice(from, from + count) };
  }

  /** How many matching events stand at the position or before it. */
  rank(filter: Filter, at: number): number {
    const { start, total } = this.#log;
    return everything(filter) ? Math.max(0, Math.min(at, total) - start) : rank(this.#matches(filter).positions, at);
  }

  #matches(filter: Filter): Matches {
    const name = JSON.stringify([filter.actor, filter.node, filter.types, filter.states, filter.text]);
    const matches = this.#lists.get(name) ?? { positions: [], upTo: this.#log.start };
    this.#lists.delete(name);
    this.#lists.set(name, matches);
    for (const oldest of this.#lists.keys()) {
      if (this.#lists.size <= remembered) break;
      this.#lists.delete(oldest);
    }
    for (const position of this.#candidates(filter, matches.upTo))
      if (this.#fits(filter, position)) matches.positions.push(position);
    matches.upTo = this.#log.total;
    return matches;
  }

  /** Positions after the given one that may match. */
  #candidates({ actor }: Filter, after: number): number[] {
    if (actor === undefined) return Array.from({ length: this.#log.total - after }, (_, step) => after + step + 1);
    const positions = this.#log.tracks.get(actor)?.positions ?? [];
    return positions.slice(rank(positions, after));
  }

  #fits({ actor, node, types, states, text }: Filter, position: number): boolean {
    const row = this.#log.row(position);
    return (
      (actor === undefined || row.actor === actor) &&
      (node === undefined || row.actor.startsWith(`${node} `)) &&
      (types === undefined || types.includes(row.type)) &&
      (states === undefined || states.includes(row.state)) &&
      (text === undefined ||
        `${row.actor} ${row.type} ${row.state} ${row.words} ${row.time}`.toLowerCase().includes(text.toLowerCase()))
    );
  }
}

const everything = ({ actor, node, types, states, text }: Filter): boolean =>
  actor === undefined &&
  node === undefined &&
  types === undefined &&
  states === undefined &&
  (text === undefined || text === '');
