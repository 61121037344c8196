import { explain, timestamp } from '@ifactor/common';
import { machineVersion } from '@ifactor/crds';
import type { Log } from '@ifactor/common';
import type { Key, Operation, RecordedEvent } from '@ifactor/crds';
import type { Places } from '../../containers/index.ts';
import { timers } from '../../interface/machine/context.ts';
import { fold, freeze, thaw } from '../../interface/machine/fold.ts';
import { Claims } from './claims.ts';
import type { Clock } from '@ifactor/common';
import { Endpoints } from './endpoints.ts';
import { DeferredFacts } from './deferredFacts.ts';
import type { Item } from './deferredFacts.ts';
import { Subscriptions } from './subscriptions.ts';
import type { Journal } from '../journal/journal.ts';
import { parseKey, spellKey } from '../journal/read.ts';
import { Actor } from './actor.ts';
import type { Cause, Fact } from './actor.ts';
import { Looker } from './looker.ts';
import { Performer } from './performer.ts';
import { withTimeLimit, systemResolve } from './resolver.ts';
import type { Resolve } from './resolver.ts';
import { Slots } from './slots.ts';
import { EventWriter } from './eventWriter.ts';
import { Confirmations } from './confirmations.ts';

/** What the runner asks about the secrets of an interface. */
export type SecretSource = {
  /** A SecretResolved or SecretMissing for this ref. */
  resolve(key: Key, ref: string): Fact;
  /** The key with this fingerprint. @throws Error that names what is missing, never a value */
  use(key: Key, fingerprint: string): Buffer;
};

export type RunnerOptions = {
  node: string;
  places: Places;
  journal: Pick<
    Journal,
    'sequence' | 'eventId' | 'append' | 'room' | 'lost' | 'saveSnapshot' | 'forget' | 'snapshots' | 'tail'
  >;
  secrets: SecretSource;
  clock: Clock;
  log: Log;
  /** Whether NATS answers now: what a change with `spec.confirm` must not lose. Never rejects. */
  nats: () => Promise<boolean>;
  /** How often WireGuard devices are looked at, in milliseconds: their changes notify nobody. */
  poll?: number;
  /** Milliseconds without a handshake after which a peer's endpoint is doubted. */
  quiet?: number;
  /** Addresses of host names; those of the system where it is absent. */
  resolve?: Resolve;
  /** Called after events of an actor were stored, once per batch. */
  changed(actor: Actor): void;
  /** Called after each look at the kernel, whether or not it was news. */
  looked?(actor: Actor): void;
  /** Called when the object is gone for good, and its actor with it. */
  forgotten?(actor: Actor): void;
  /** Called when events were stored. */
  stored(): void;
  /** Called when the journal can be written again after it could not. */
  recovered?(): void;
};

/** Events of an actor after which its snapshot is stored again. */
const snapshotEvery = 200;

/** Milliseconds between two rounds in which actors that nobody asked are put to rest, and how many at most are at once. */
const packEveryMs = 5000;
const packAtOnce = 1000;

/**
 * Runs the actors of a node: takes facts, folds them, stores the events, and then carries out what the machines ask.
 * All that arrives within one turn of the event loop is stored in one transaction, before anything is acted on.
 */
export class Runner {
  readonly actors = new Map<string, Actor>();
  readonly #options: RunnerOptions;
  readonly #queue: Item[] = [];
  readonly #subscriptions = new Subscriptions();
  readonly #claims: Claims;
  readonly #looker: Looker;
  readonly #performer: Performer;
  readonly #slots: Slots;
  readonly #endpoints: Endpoints;
  readonly #confirmations: Confirmations;
  readonly #deferred = new DeferredFacts();
  #scheduled = false;
  #stopped = false;
  readonly #eventWriter: EventWriter;
  #parked = false;
  /** Actors that finished while that could not be stored. */
  readonly #finished = new Set<string>();
  readonly #packing: NodeJS.Timeout;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#packing = setInterval(() => this.packIdle(packAtOnce), packEveryMs).unref();
    const tell = (actor: Actor, fact: Fact, cause: Cause | null = null): void => this.tell(actor, fact, cause);
    const { log, clock, secrets, places } = options;
    this.#eventWriter = new EventWriter({ journal: options.journal, clock, log, recovered: () => this.#recover() });
    this.#claims = new Claims(tell);
    this.#confirmations = new Confirmations({ tell, clock, nats: options.nats });
    this.#slots = new Slots({
      places,
      tell,
      changed: (netns, change) => {
        this.#endpoints.changed(netns, change);
        for (const actor of this.#subscriptions.in(netns, change)) this.#looker.look(actor);
      },
    });
    const look = (actor: Actor): void => this.#looker.look(actor);
    const resolve = withTimeLimit(options.resolve ?? systemResolve, clock);
    this.#endpoints = new Endpoints({
      clock,
      resolve,
      look,
      retry: (actor) => tell(actor, { type: 'TimerElapsed', data: { timer: timers.endpoints } }),
      actors: () => this.actors.values(),
      ...(options.quiet === undefined ? {} : { quiet: options.quiet }),
    });
    this.#looker = new Looker({
      tell,
      clock,
      log,
      open: () => this.#slots.open(),
      poll: options.poll ?? 5000,
      mark: (actor, observed) => this.#endpoints.mark(actor, observed),
      looked: (actor) => options.looked?.(actor),
      parked: () => this.#parked,
    });
    this.#performer = new Performer({ tell, look, secrets, netnsById: (id) => this.#slots.byId(id), resolve });
  }

  /** Brings back the actors of the journal. Their places, timers and operations in flight are begun anew. */
  restore(version: string): void {
    const { journal, log } = this.#options;
    for (const { key, body } of journal.snapshots()) {
      if (body === null) continue;
      this.actor(parseKey(key)).snapshot = thaw(JSON.parse(body));
    }
    for (const event of journal.tail()) {
      const actor = this.actor(event.key);
      actor.snapshot = fold(actor.snapshot, event).snapshot;
      actor.lastEvent = { sequence: event.sequence, type: event.type, time: event.time };
      actor.unsaved++;
    }
    const { lost } = journal;
    if (lost) log.error('events of the former run could not be stored before it ended, and are lost', lost);
    for (const actor of this.actors.values()) {
      const { value, context } = actor.snapshot;
      if (value === 'deleted' && context.deletion?.gone) this.#forget(actor);
      else this.tell(actor, { type: 'AgentStarted', data: { version, ...(lost ? { lost } : {}) } }, null);
    }
  }

  /** The actor of a key; made where there is none. */
  actor(key: Key): Actor {
    const id = spellKey(key);
    let actor = this.actors.get(id);
    if (!actor) this.actors.set(id, (actor = new Actor(key, id)));
    return actor;
  }

  /**
   * Whether decisions rest: so many events wait for a journal that cannot be written that one more might be lost. Nothing is done to
   * the kernel meanwhile; what happens to it is seen when the journal has room again.
   */
  get parked(): boolean {
    return this.#parked;
  }

  /** Why events are not stored now, in words; null where they are. */
  get trouble(): string | null {
    return this.#eventWriter.trouble;
  }

  /** Queues a fact. It is folded and stored at the end of this turn of the event loop. */
  tell(actor: Actor, fact: Fact, cause: Cause | null): void {
    // What a forgotten actor's last requests bring is nobody's.
    if (this.#stopped || this.actors.get(actor.id) !== actor) return;
    if (this.#parked) return this.#deferred.add({ actor, fact, cause });
    this.#queue.push({ actor, fact, cause });
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.flush());
  }

  /** Folds and stores what is queued, and begins what the machines ask for. */
  flush(): void {
    this.#scheduled = false;
    const touched = new Set<Actor>();
    while (this.#queue.length > 0 && !this.#full()) {
      const asked: { actor: Actor; operation: Operation; cause: Cause }[] = [];
      const recorded: RecordedEvent[] = [];
      for (const item of this.#queue.splice(0, this.#options.journal.room)) {
        const { event, operations } = this.#record(item, recorded.length);
        recorded.push(event);
        touched.add(item.actor);
        const cause = { id: event.id, correlation: event.correlationId };
        for (const operation of operations) asked.push({ actor: item.actor, operation, cause });
      }
      this.#eventWriter.store(recorded);
      for (const actor of touched) {
        this.#slots.update(actor);
        this.#claims.update(actor);
        this.#subscriptions.update(actor);
      }
      for (const { actor, operation, cause } of asked) this.#ask(actor, operation, cause);
    }
    for (const actor of touched) this.#settle(actor);
    if (touched.size > 0) this.#options.stored();
  }

  /** Stores each actor's snapshot and lets go of the kernel. Links stay as they are. */
  stop(): void {
    if (this.#scheduled) this.flush();
    this.#stopped = true;
    this.#eventWriter.stop();
    clearInterval(this.#packing);
    for (const actor of this.actors.values()) {
      this.#save(actor);
      for (const cancel of actor.timers.values()) cancel();
      this.#slots.leave(actor);
    }
    this.#looker.stop();
    this.#confirmations.stop();
    this.#endpoints.stop();
    this.#slots.stop();
  }

  #record({ actor, fact, cause }: Item, position: number): { event: RecordedEvent; operations: readonly Operation[] } {
    const { journal, clock, node } = this.#options;
    const sequence = journal.sequence + position + 1;
    const id = journal.eventId(sequence);
    const time = timestamp(clock);
    const { snapshot, operations } = fold(actor.snapshot, { ...fact, time });
    actor.snapshot = snapshot;
    actor.lastEvent = { sequence, type: fact.type, time };
    actor.unsaved++;
    const event: RecordedEvent = {
      ...fact,
      time,
      id,
      sequence,
      node,
      key: actor.key,
      causationId: cause?.id || null,
      correlationId: cause?.correlation ?? id,
      state: snapshot.value,
      machine: machineVersion,
    };
    return { event, operations };
  }

  /** Whether no event may be made now; from then on till the journal can be written. */
  #full(): boolean {
    if (this.#eventWriter.room > 0) return false;
    if (!this.#parked)
      this.#options.log.error(
        'one more event might be lost: interfaces are left as they are until events can be stored',
      );
    this.#parked = true;
    for (const item of this.#queue.splice(0)) this.#deferred.add(item);
    return true;
  }

  #recover(): void {
    for (const id of this.#finished) this.#finish(id);
    if (this.#parked) {
      this.#parked = false;
      this.#queue.push(...this.#deferred.take());
      if (this.#queue.length > 0) this.#schedule();
      for (const actor of this.actors.values()) this.#looker.look(actor);
    }
    this.#options.recovered?.();
    this.#options.stored();
  }

  #ask(actor: Actor, operation: Operation, cause: Cause): void {
    switch (operation.type) {
      case 'ResolveSecrets':
        for (const ref of operation.refs) this.tell(actor, this.#options.secrets.resolve(actor.key, ref), cause);
        return;
      case 'ResolveNetns':
        this.#slots.resolve(actor, operation.slots, cause);
        return;
      case 'Observe':
        this.#looker.look(actor, cause);
        return;
      case 'BeginConfirm':
        void this.#confirmations.begin(actor, operation, cause);
        return;
      case 'AwaitConfirm':
        this.#confirmations.watch(actor, operation, cause);
        return;
      case 'Perform':
        void this.#performer.perform(actor, operation.id, operation.operations, cause);
        return;
      case 'StartTimer': {
        const { timer, milliseconds } = operation;
        actor.timers.get(timer)?.();
        const elapsed = (): void => {
          actor.timers.delete(timer);
          this.tell(actor, { type: 'TimerElapsed', data: { timer } }, cause);
        };
        actor.timers.set(timer, this.#options.clock.after(milliseconds, elapsed));
      }
    }
  }

  #settle(actor: Actor): void {
    const { value, context } = actor.snapshot;
    this.#options.changed(actor);
    if (value === 'deleted' && context.deletion?.gone) this.#forget(actor);
    else if (actor.unsaved >= snapshotEvery && context.running === null) this.#save(actor);
    if (context.settled) this.#slots.dropFormer(actor);
    this.#looker.follow(actor);
  }

  #save(actor: Actor): void {
    if (actor.unsaved === 0 || this.trouble !== null || !actor.lastEvent) return;
    try {
      this.#options.journal.saveSnapshot(actor.id, actor.lastEvent.sequence, JSON.stringify(freeze(actor.snapshot)));
      actor.unsaved = 0;
    } catch (error) {
      this.#options.log.warn('a snapshot cannot be stored', { actor: actor.id, error: explain(error) });
    }
  }

  #forget(actor: Actor): void {
    for (const cancel of actor.timers.values()) cancel();
    this.#slots.leave(actor);
    this.#looker.forget(actor);
    this.#confirmations.forget(actor);
    this.#endpoints.forget(actor);
    this.#subscriptions.remove(actor);
    this.#claims.remove(actor);
    this.actors.delete(actor.id);
    this.#finish(actor.id);
    this.#options.forgotten?.(actor);
  }

  /** Notes that an actor has finished, now or when the journal can be written; unless it lives again by then. */
  #finish(id: string): void {
    this.#finished.add(id);
    if (this.trouble !== null) return;
    try {
      if (!this.actors.has(id)) this.#options.journal.forget(id);
      this.#finished.delete(id);
    } catch (error) {
      this.#options.log.warn('the end of an interface cannot be stored', { actor: id, error: explain(error) });
    }
  }

  /** Lets actors that nobody has asked since the last call take less memory, so many of them at most. */
  packIdle(most: number): void {
    let packed = 0;
    for (const actor of this.actors.values()) {
      if (packed >= most) return;
      if (actor.packIfIdle()) packed++;
    }
  }

  /** Stores snapshots of these actors, so that the journal may drop their older events. */
  save(ids: readonly string[]): void {
    for (const id of ids) {
      const actor = this.actors.get(id);
      if (actor) this.#save(actor);
    }
  }
}
