import type { Snapshot } from '@ifactor/actors';
import type { Key, RecordedEvent, State } from '@ifactor/crds';
import { Life } from '../../log/lives.ts';
import type { ActorId } from '../protocol.ts';

/** How many events of an actor are folded at most to come to any moment of it. */
export const stride = 32;

/** Returns the event at a position. */
export type Reader = (position: number) => RecordedEvent;

/** What an actor was before the window of the log that is held; all of it is empty where its life began in the window. */
export type Before = {
  snapshot?: Snapshot;
  /** The journal that holds its last event. */
  journal?: string;
  state?: State;
  /** How many events it had. */
  events: number;
};

/** An actor's part of the log: the positions of its events, and its snapshot after every `stride`th. */
export class Track {
  readonly id: ActorId;
  readonly node: string;
  readonly key: Key;
  /** Positions of its events, and of those that no setback dropped; ascending. */
  readonly positions: number[] = [];
  readonly lived: number[] = [];
  readonly #kept: { snapshot: Snapshot; journal: string | undefined }[] = [];
  #before: Before = { events: 0 };
  #life = new Life();
  #last: Snapshot | undefined;
  /** Whether its state before the window was folded from its events, so that its snapshots are exact. */
  whole: boolean;

  constructor(id: ActorId, { node, key }: Pick<RecordedEvent, 'node' | 'key'>, whole: boolean) {
    this.whole = whole;
    this.id = id;
    this.node = node;
    this.key = key;
  }

  /** After its last event. */
  get snapshot(): Snapshot | undefined {
    return this.#last;
  }

  get before(): Before {
    return this.#before;
  }

  /** Resets to the state before the window; its events have to be added again. */
  restart(before: Before): void {
    this.#before = before;
    this.reset();
  }

  /** @returns the actor after the event */
  live(position: number, event: RecordedEvent): Snapshot {
    this.lived.push(position);
    const { snapshot } = this.#life.step(event);
    this.#last = snapshot;
    if (this.lived.length % stride === 0) this.#kept.push({ snapshot, journal: this.#life.journal });
    return snapshot;
  }

  /** Drops the folded events, to fold them again without those that a power cut removed. */
  reset(): void {
    this.lived.length = 0;
    this.#kept.length = 0;
    this.#life = new Life(this.#before.snapshot, this.#before.journal);
    this.#last = this.#before.snapshot;
  }

  /** The actor at a position, and how many events were folded for it; undefined before its first. */
  at(position: number, read: Reader): { snapshot: Snapshot; folded: number } | undefined {
    const count = rank(this.lived, position);
    const { snapshot: first, journal } = this.#before;
    if (count === 0) return first && { snapshot: first, folded: 0 };
    if (count === this.lived.length && this.#last) return { snapshot: this.#last, folded: 0 };
    const base = Math.floor(count / stride);
    const kept = this.#kept[base - 1];
    const life = kept ? new Life(kept.snapshot, kept.journal) : new Life(first, journal);
    let snapshot = kept?.snapshot ?? first;
    const rest = this.lived.slice(base * stride, count);
    for (const at of rest) ({ snapshot } = life.step(read(at)));
    return snapshot && { snapshot, folded: rest.length };
  }
}

/** How many of the ascending numbers are not above the limit. */
export function rank(numbers: readonly number[], limit: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] ?? 0) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What an event's state is, which a log spells as text. */
export const stateIn = ({ state }: Pick<RecordedEvent, 'state'>): State => state as State;
