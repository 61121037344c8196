import type { EventType, RecordedEvent, State } from '@ifactor/crds';
import { eventWords } from '@ifactor/crds/words';
import { actorOf } from '../../log/lives.ts';
import { happened, Setbacks } from '../../log/setbacks.ts';
import type { ActorId, EventRow } from '../protocol.ts';
import { rank, stateIn, Track } from './track.ts';
import type { Before } from './track.ts';

/** An event as it is held: its data as text, a third of what it takes as objects. */
type Entry = {
  id: string;
  track: Track;
  sequence: number;
  time: string;
  type: EventType;
  state: State;
  words: string;
  causationId: string | null;
  correlationId: string;
  machine: number;
  data: string;
};

/**
 * The log of all nodes in one order, or its newest part, and every actor's way through it. Position n is the moment after the nth
 * event; of a part, the first event held has the position `start` + 1.
 */
export class EventLog {
  readonly start: number;
  readonly tracks = new Map<ActorId, Track>();
  readonly #entries: Entry[] = [];
  readonly #byId = new Map<string, number>();
  readonly #setbacks = new Setbacks();
  readonly #strings = new Map<string, string>();

  constructor(start = 0) {
    this.start = start;
  }

  /** The last position. */
  get total(): number {
    return this.start + this.#entries.length;
  }

  /** How many events are held. */
  get held(): number {
    return this.#entries.length;
  }

  /** When the first event that is held happened. */
  get since(): string | null {
    return this.#entries[0]?.time ?? null;
  }

  /** @returns the actors that it changes: more than one if it shows that a power cut removed events */
  append(event: RecordedEvent): readonly Track[] {
    const actor = actorOf(event);
    let track = this.tracks.get(actor);
    if (!track) this.tracks.set(actor, (track = new Track(actor, event, this.start === 0)));
    const { id, sequence, time, type, causationId, machine, data } = event;
    this.#entries.push({
      id,
      track,
      sequence,
      time,
      type: this.#shared(type),
      state: this.#shared(stateIn(event)),
      words: eventWords(event),
      causationId,
      correlationId: this.#shared(event.correlationId),
      machine,
      data: JSON.stringify(data),
    });
    const position = this.total;
    this.#byId.set(id, position);
    track.positions.push(position);
    const before = cutsOf(this.#setbacks);
    this.#setbacks.see(event);
    if (cutsOf(this.#setbacks) !== before) return this.#relive(event.node);
    if (happened(this.#setbacks.cuts, event)) track.live(position, event);
    return [track];
  }

  /**
   * Sets an actor's state before the window. `whole`: folded from its events; otherwise derived from its spec and status, and
   * used until the exact state is requested.
   */
  precede(of: Pick<RecordedEvent, 'node' | 'key'>, before: Before, whole: boolean): Track {
    const id = actorOf(of);
    let track = this.tracks.get(id);
    if (!track) this.tracks.set(id, (track = new Track(id, of, whole)));
    track.whole = whole;
    track.restart(before);
    this.#live(track);
    return track;
  }

  /** Whether an event before the window happened for its agent, as far as the window shows. */
  happened(event: RecordedEvent): boolean {
    return happened(this.#setbacks.cuts, event);
  }

  /** @throws RangeError where the log has no such position */
  event(position: number): RecordedEvent {
    const { id, track, sequence, time, type, state, causationId, correlationId, machine, data } = this.#entry(position);
    const event = {
      id,
      sequence,
      node: track.node,
      key: track.key,
      time,
      type,
      state,
      causationId,
      correlationId,
      machine,
      data: JSON.parse(data) as unknown,
    };
    return event as RecordedEvent;
  }

  row(position: number): EventRow {
    const { id, track, sequence, time, type, state, words } = this.#entry(position);
    return { position, id, actor: track.id, sequence, time, type, state, words };
  }

  /** The state that the event left its actor in. */
  stateAfter(position: number): State {
    return this.#entry(position).state;
  }

  /** The position of an event; undefined where the log does not hold it. */
  find(id: string): number | undefined {
    return this.#byId.get(id);
  }

  /** The position of what an event followed from. */
  causeOf(position: number): number | undefined {
    const { causationId } = this.#entry(position);
    return causationId === null ? undefined : this.#byId.get(causationId);
  }

  /** Each actor's state at a position; those that did not exist yet are left out. */
  states(at: number): { [actor: ActorId]: State } {
    const states: { [actor: ActorId]: State } = {};
    for (const track of this.tracks.values()) {
      const state = this.stateOf(track, at);
      if (state !== undefined) states[track.id] = state;
    }
    return states;
  }

  stateOf(track: Track, at: number): State | undefined {
    const last = track.lived[rank(track.lived, at) - 1];
    return last === undefined ? track.before.state : this.stateAfter(last);
  }

  #entry(position: number): Entry {
    const entry = this.#entries[position - this.start - 1];
    if (!entry) throw new RangeError(`event ${position} is not held: ${this.start + 1} to ${this.total} are`);
    return entry;
  }

  /** Folds a node's actors again, without what never happened for its agent. */
  #relive(node: string): Track[] {
    const tracks = [...this.tracks.values()].filter((track) => track.node === node);
    for (const track of tracks) {
      track.reset();
      this.#live(track);
    }
    return tracks;
  }

  #live(track: Track): void {
    for (const position of track.positions) {
      const event = this.event(position);
      if (happened(this.#setbacks.cuts, event)) track.live(position, event);
    }
  }

  /** One copy of a text that many events hold. */
  #shared<T extends string>(text: T): T {
    const known = this.#strings.get(text);
    if (known !== undefined) return known as T;
    this.#strings.set(text, text);
    return text;
  }
}

const cutsOf = ({ cuts }: Setbacks): string => (cuts.size === 0 ? '' : JSON.stringify([...cuts]));
