import { explain, machineVersion } from '@ifactor/crds';
import type { Key, Log, Operation, RecordedEvent } from '@ifactor/crds';
import type { Places } from '../container/index.ts';
import { timers } from '../machine/context.ts';
import { fold, freeze, thaw } from '../machine/fold.ts';
import { Claims } from './claims.ts';
import type { Clock } from './clock.ts';
import { Endpoints } from './endpoints.ts';
import { Interests } from './interests.ts';
import type { Journal } from './journal.ts';
import { parseKey, spellKey } from './journalRead.ts';
import { Live } from './live.ts';
import type { Cause, Fact } from './live.ts';
import { Looker } from './look.ts';
import { Performer } from './performer.ts';
import { patient, systemResolve } from './resolver.ts';
import type { Resolve } from './resolver.ts';
import { Sites } from './sites.ts';
import { Trials } from './trials.ts';

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
  journal: Pick<Journal, 'sequence' | 'eventId' | 'append' | 'saveSnapshot' | 'forget' | 'snapshots' | 'tail'>;
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
  changed(actor: Live): void;
  /** Called after each look at the kernel, whether or not it was news. */
  looked?(actor: Live): void;
  /** Called when the object is gone for good, and its actor with it. */
  forgotten?(actor: Live): void;
  /** Called when events were stored. */
  stored(): void;
};

type Item = { actor: Live; fact: Fact; cause: Cause | null };

/** Events of an actor after which its snapshot is stored again. */
const snapshotEvery = 200;

/** Milliseconds between two rounds in which actors that nobody asked are put to rest, and how many at most are at once. */
const restEvery = 5000;
const restAtOnce = 1000;

/**
 * Runs the actors of a node: takes facts, folds them, stores the events, and then carries out what the machines ask.
 * All that arrives within one turn of the event loop is stored in one transaction, before anything is acted on.
 */
export class Runner {
  readonly actors = new Map<string, Live>();
  readonly #options: RunnerOptions;
  readonly #queue: Item[] = [];
  readonly #interests = new Interests();
  readonly #claims: Claims;
  readonly #looker: Looker;
  readonly #performer: Performer;
  readonly #sites: Sites;
  readonly #endpoints: Endpoints;
  readonly #trials: Trials;
  #scheduled = false;
  #stopped = false;
  #storing = true;
  readonly #resting: NodeJS.Timeout;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#resting = setInterval(() => this.rest(restAtOnce), restEvery).unref();
    const tell = (actor: Live, fact: Fact, cause: Cause | null = null): void => this.tell(actor, fact, cause);
    const { log, clock, secrets, places } = options;
    this.#claims = new Claims(tell);
    this.#trials = new Trials({ tell, clock, nats: options.nats });
    this.#sites = new Sites({
      places,
      tell,
      changed: (netns, change) => {
        this.#endpoints.changed(netns, change);
        for (const actor of this.#interests.in(netns, change)) this.#looker.look(actor);
      },
    });
    const look = (actor: Live): void => this.#looker.look(actor);
    const resolve = patient(options.resolve ?? systemResolve, clock);
    this.#endpoints = new Endpoints({
      clock, resolve, look,
      retry: (actor) => tell(actor, { type: 'TimerElapsed', data: { timer: timers.endpoints } }),
      actors: () => this.actors.values(),
      ...(options.quiet === undefined ? {} : { quiet: options.quiet }),
    });
    this.#looker = new Looker({
      tell, clock, log,
      open: () => this.#sites.open(),
      poll: options.poll ?? 5000,
      mark: (actor, observed) => this.#endpoints.mark(actor, observed),
      looked: (actor) => options.looked?.(actor),
    });
    this.#performer = new Performer({ tell, look, secrets, site: (id) => this.#sites.byId(id), resolve });
  }

  /** Brings back the actors of the journal. Their places, timers and operations in flight are begun anew. */
  restore(version: string): void {
    const { journal } = this.#options;
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
    for (const actor of this.actors.values()) {
      const { value, context } = actor.snapshot;
      if (value === 'deleted' && context.deletion?.gone) this.#forget(actor);
      else this.tell(actor, { type: 'AgentStarted', data: { version } }, null);
    }
  }

  /** The actor of a key; made where there is none. */
  actor(key: Key): Live {
    const id = spellKey(key);
    let actor = this.actors.get(id);
    if (!actor) this.actors.set(id, (actor = new Live(key, id)));
    return actor;
  }

  /** Queues a fact. It is folded and stored at the end of this turn of the event loop. */
  tell(actor: Live, fact: Fact, cause: Cause | null): void {
    // What a forgotten actor's last requests bring is nobody's.
    if (this.#stopped || this.actors.get(actor.id) !== actor) return;
    this.#queue.push({ actor, fact, cause });
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.flush());
  }

  /** Folds and stores what is queued, and begins what the machines ask for. */
  flush(): void {
    this.#scheduled = false;
    const touched = new Set<Live>();
    while (this.#queue.length > 0) {
      const asked: { actor: Live; operation: Operation; cause: Cause }[] = [];
      const recorded: RecordedEvent[] = [];
      for (const item of this.#queue.splice(0)) {
        const { event, operations } = this.#record(item, recorded.length);
        recorded.push(event);
        touched.add(item.actor);
        const cause = { id: event.id, correlation: event.correlationId };
        for (const operation of operations) asked.push({ actor: item.actor, operation, cause });
      }
      this.#store(recorded);
      for (const actor of touched) {
        this.#sites.update(actor);
        this.#claims.update(actor);
        this.#interests.update(actor);
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
    clearInterval(this.#resting);
    for (const actor of this.actors.values()) {
      this.#save(actor);
      for (const cancel of actor.timers.values()) cancel();
      this.#sites.leave(actor);
    }
    this.#looker.stop();
    this.#trials.stop();
    this.#endpoints.stop();
    this.#sites.stop();
  }

  #record({ actor, fact, cause }: Item, position: number): { event: RecordedEvent; operations: readonly Operation[] } {
    const { journal, clock, node } = this.#options;
    const sequence = journal.sequence + position + 1;
    const id = journal.eventId(sequence);
    const time = clock.now();
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

  /** A journal that cannot be written must not keep the node from healing: it is said, and the work goes on. */
  #store(recorded: readonly RecordedEvent[]): void {
    const { journal, log } = this.#options;
    try {
      journal.append(recorded);
      if (!this.#storing) log.info('events are stored again');
      this.#storing = true;
    } catch (error) {
      if (this.#storing) log.error('events cannot be stored; the node goes on healing without a record', { error: explain(error) });
      this.#storing = false;
    }
  }

  #ask(actor: Live, operation: Operation, cause: Cause): void {
    switch (operation.type) {
      case 'ResolveSecrets':
        for (const ref of operation.refs) this.tell(actor, this.#options.secrets.resolve(actor.key, ref), cause);
        return;
      case 'ResolveNetns':
        this.#sites.resolve(actor, operation.slots, cause);
        return;
      case 'Observe':
        this.#looker.look(actor, cause);
        return;
      case 'BeginConfirm':
        void this.#trials.begin(actor, operation, cause);
        return;
      case 'AwaitConfirm':
        this.#trials.watch(actor, operation, cause);
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

  #settle(actor: Live): void {
    const { value, context } = actor.snapshot;
    this.#options.changed(actor);
    if (value === 'deleted' && context.deletion?.gone) this.#forget(actor);
    else if (actor.unsaved >= snapshotEvery && context.running === null) this.#save(actor);
    if (context.settled) this.#sites.dropFormer(actor);
    this.#looker.follow(actor);
  }

  #save(actor: Live): void {
    if (actor.unsaved === 0 || !this.#storing || !actor.lastEvent) return;
    try {
      this.#options.journal.saveSnapshot(actor.id, actor.lastEvent.sequence, JSON.stringify(freeze(actor.snapshot)));
      actor.unsaved = 0;
    } catch (error) {
      this.#options.log.warn('a snapshot cannot be stored', { actor: actor.id, error: explain(error) });
    }
  }

  #forget(actor: Live): void {
    for (const cancel of actor.timers.values()) cancel();
    this.#sites.leave(actor);
    this.#looker.forget(actor);
    this.#trials.forget(actor);
    this.#endpoints.forget(actor);
    this.#interests.remove(actor);
    this.#claims.remove(actor);
    this.actors.delete(actor.id);
    if (this.#storing) this.#options.journal.forget(actor.id);
    this.#options.forgotten?.(actor);
  }

  /** Lets actors that nobody has asked since the last call take less memory, so many of them at most. */
  rest(most: number): void {
    let packed = 0;
    for (const actor of this.actors.values()) {
      if (packed >= most) return;
      if (actor.rest()) packed++;
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
