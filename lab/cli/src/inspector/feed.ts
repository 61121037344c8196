import { explain, systemClock, timestamp } from '@ifactor/common';
import type { Clock } from '@ifactor/common';
import type { State, StatusMessage } from '@ifactor/crds';
import { Filters } from './history/filter.ts';
import { graphOf, shapeOf } from './map/graph.ts';
import type { Graph } from './map/graph.ts';
import { complete } from './history/before.ts';
import type { History } from './history/before.ts';
import { Handshakes } from './history/handshake.ts';
import { layOut } from './map/layout.ts';
import { EventLog } from './history/log.ts';
import type { ActorId, Moment, SourceInfo, Told, Topology } from './protocol.ts';
import type { Track } from './history/track.ts';

/** How long changes are batched before watchers are notified. */
const gatherMs = 60;

/** How long a request waits for an actor's earlier events before it is answered without them. */
const patienceMs = 1500;

type Listener = (told: Told) => void;

/** Where the events before those that are held come from: those of one actor, and more of all; null: no more are held than are. */
export type Past = { history: History; earlier: (() => void) | null };

/** One log and its watchers: batches changes, places new actors on the map, and notifies the watchers. */
export class Feed {
  log = new EventLog();
  filters = new Filters(this.log);
  #source: SourceInfo;
  #topology: Topology = { nodes: [], containers: [], actors: [], links: [] };
  /** What each actor adds to the map. */
  readonly #shapes = new Map<ActorId, string>();
  /** Counts the maps asked for, so that one overtaken by a newer one is left out. */
  #map = 0;
  #told: { readonly [link: string]: string } = {};
  #handshakes = new Handshakes();
  readonly #listeners = new Set<Listener>();
  readonly #changed = new Set<ActorId>();
  #cancel: (() => void) | undefined;
  readonly #clock: Clock;
  #placing: Promise<void> = Promise.resolve();
  #past: Past | undefined;
  readonly #completing = new Map<ActorId, Promise<void>>();

  constructor(source: SourceInfo, log?: EventLog, clock: Clock = systemClock) {
    this.#source = source;
    this.#clock = clock;
    if (log) this.reset(log);
  }

  get source(): SourceInfo {
    const { start, since } = this.log;
    if (start === 0) return this.#source;
    return { ...this.#source, held: { start, since, more: Boolean(this.#past?.earlier) } };
  }

  /** The current time, for watchers. */
  get time(): string {
    return timestamp(this.#clock);
  }

  get handshakes(): { readonly [link: string]: string } {
    return this.#handshakes.of(this.#topology.links, this.log.tracks);
  }

  get topology(): Topology {
    return this.#topology;
  }

  /** Requests that more of the log be held. */
  earlier(): void {
    this.#past?.earlier?.();
  }

  /**
   * Reads an actor's events from before the window, and notifies watchers when done.
   * @returns whether they have been read; false if that takes longer than `patienceMs`
   * @throws UsageError if there is no such actor
   */
  async complete(actor: ActorId): Promise<boolean> {
    const { log } = this;
    if (!this.#past || log.start === 0 || log.tracks.get(actor)?.whole) return true;
    let begun = this.#completing.get(actor);
    if (!begun) {
      begun = this.#complete(log, actor, this.#past.history);
      this.#completing.set(actor, begun);
    }
    const { promise, resolve } = Promise.withResolvers<false>();
    const cancel = this.#clock.after(patienceMs, () => resolve(false));
    return Promise.race([begun.then(() => true), promise]).finally(cancel);
  }

  async #complete(log: EventLog, actor: ActorId, history: History): Promise<void> {
    try {
      await complete(log, actor, history);
    } finally {
      this.#completing.delete(actor);
    }
    const track = log.tracks.get(actor);
    if (track && log === this.log) this.changed([track]);
  }

  /** Replaces the log. `past` is set if the log is only a part. */
  reset(log = new EventLog(), past?: Past): void {
    this.log = log;
    this.#past = past;
    this.#completing.clear();
    this.filters = new Filters(log);
    this.#handshakes = new Handshakes();
    this.#told = {};
    this.#changed.clear();
    this.#shapes.clear();
    for (const id of log.tracks.keys()) this.#changed.add(id);
    this.#place({ actors: [], links: [] });
    this.#greet();
    this.#soon();
  }

  /** Sets the name of the log's source. */
  name(name: string): void {
    if (name === this.#source.name) return;
    this.#source = { ...this.#source, name };
    this.#greet();
  }

  changed(tracks: readonly Track[]): void {
    for (const { id } of tracks) this.#changed.add(id);
    this.#soon();
  }

  /** Records the last handshakes of tunnels. */
  hear(status: StatusMessage): void {
    if (this.#handshakes.hear(status)) this.#soon();
  }

  /** Tells all there is, then what changes, until the result is called. */
  watch(listener: Listener): () => void {
    this.#listeners.add(listener);
    for (const told of this.#everything()) listener(told);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when all that changed so far has its place on the map. */
  async settled(): Promise<void> {
    this.#flush();
    await this.#placing;
  }

  #everything(): Told[] {
    return [
      { tell: 'source', source: this.source },
      { tell: 'topology', topology: this.#topology },
      this.#moment(this.log.states(this.log.total), this.handshakes),
    ];
  }

  #moment(states: { [actor: ActorId]: State }, handshakes: Moment['handshakes']): Told {
    const { total } = this.log;
    return { tell: 'moment', moment: { at: null, total, time: this.time, states, handshakes } };
  }

  #greet(): void {
    for (const told of this.#everything()) this.#tell(told);
  }

  #tell(told: Told): void {
    for (const listener of this.#listeners) listener(told);
  }

  #soon(): void {
    this.#cancel ??= this.#clock.after(gatherMs, () => this.#flush());
  }

  #flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const states: { [actor: ActorId]: State } = {};
    let moved = false;
    for (const id of this.#changed) {
      const track = this.log.tracks.get(id);
      if (!track) continue;
      const state = this.log.stateOf(track, this.log.total);
      if (state !== undefined) states[id] = state;
      const shape = shapeOf(track);
      moved ||= shape !== this.#shapes.get(id);
      this.#shapes.set(id, shape);
    }
    if (moved) this.#place(graphOf(this.log.tracks.values()));
    const { handshakes } = this;
    const shaken = Object.entries(handshakes).filter(([link, time]) => this.#told[link] !== time);
    this.#told = handshakes;
    if (this.#changed.size === 0 && shaken.length === 0) return;
    this.#changed.clear();
    this.#tell(this.#moment(states, Object.fromEntries(shaken)));
  }

  /** Lays the map out again. */
  #place(graph: Graph): void {
    const map = ++this.#map;
    this.#placing = this.#placing.then(() => this.#layOut(graph, map));
  }

  async #layOut(graph: Graph, map: number): Promise<void> {
    if (map !== this.#map) return;
    const topology = await layOut(graph).catch((error: unknown) => {
      process.stderr.write(`ifactor: ${explain(error)}\n`);
      return this.#topology;
    });
    if (map !== this.#map) return;
    this.#topology = topology;
    this.#tell({ tell: 'topology', topology });
    // Of tunnels that are only now known.
    this.#soon();
  }
}
