import { every, explain } from '@ifactor/common';
import { machineVersion } from '@ifactor/crds';
import type { EventData, Key, Operation, RecordedEvent } from '@ifactor/crds';
import type { Runtime } from '../../runtime.ts';
import type { Journal } from '../journal/journal.ts';
import { spellKey } from '../journal/read.ts';
import { Actor } from './actor.ts';
import type { Cause, Fact } from './actor.ts';
import { DeferredFacts } from './deferredFacts.ts';
import type { Item } from './deferredFacts.ts';
import { Effects } from './effects.ts';
import type { EffectsOptions } from './effects.ts';
import { EventWriter } from './eventWriter.ts';
import type { Mailbox } from './mailbox.ts';
import { EventRecorder } from './recorder.ts';
import { Signal } from './signal.ts';
import { Snapshots } from './snapshots.ts';

export type RunnerOptions = EffectsOptions & {
  journal: Pick<
    Journal,
    'node' | 'sequence' | 'eventId' | 'append' | 'room' | 'lost' | 'saveSnapshot' | 'forget' | 'snapshots' | 'tail'
  >;
};

/** Milliseconds between two rounds in which idle actors are packed, and how many at most are at once. */
const packEveryMs = 5000;
const packAtOnce = 1000;

/**
 * Runs the actors of a node: takes facts, folds them, stores the events, and then performs the operations that the machines request.
 * All that arrives within one turn of the event loop is stored in one transaction, before anything is acted on.
 */
export class Runner implements Mailbox {
  readonly actors = new Map<string, Actor>();
  /** Events of an actor were stored; once per batch. */
  readonly changed = new Signal<Actor>();
  /** An actor was removed, since its object and links are gone. */
  readonly forgotten = new Signal<Actor>();
  /** Events were stored. */
  readonly stored = new Signal();
  /** The journal can be written again after it could not. */
  readonly recovered = new Signal();
  readonly #runtime: Runtime;
  readonly #journal: RunnerOptions['journal'];
  readonly #queue: Item[] = [];
  readonly #deferred = new DeferredFacts();
  readonly #recorder: EventRecorder;
  readonly #eventWriter: EventWriter;
  readonly #snapshots: Snapshots;
  readonly #effects: Effects;
  /** Actors with a StepFailed in the queue. */
  readonly #failing = new WeakSet<Actor>();
  readonly #stopPacking: () => void;
  #scheduled = false;
  #stopped = false;
  #parked = false;

  constructor(options: RunnerOptions) {
    const { runtime, journal } = options;
    const { clock, log } = runtime;
    this.#runtime = runtime;
    this.#journal = journal;
    this.#recorder = new EventRecorder(journal, clock);
    this.#snapshots = new Snapshots(journal, log);
    this.#eventWriter = new EventWriter(journal, clock, log);
    this.#eventWriter.recovered.subscribe(() => this.#recover());
    this.#effects = new Effects(this, options);
    this.#stopPacking = every(clock, packEveryMs, () => this.packIdle(packAtOnce));
  }

  /** The kernel was looked at for an actor, whether or not that was news. */
  get observed(): Signal<Actor> {
    return this.#effects.looker.observed;
  }

  /** Brings back the actors of the journal. Their places, timers and operations in flight are begun again. */
  restore(version: string): void {
    const { lost } = this.#journal;
    const later = this.#snapshots.restore((key) => this.actor(key));
    if (later.size > 0)
      this.#runtime.log.warn(
        'the journal was written by a later version of ifactor; keeping what this one understands of it, and adopting what the kernel shows',
        { interfaces: later.size, machine: Math.max(...later.values()), own: machineVersion },
      );
    if (lost) this.#runtime.log.error('events of the former run were lost: it ended before they could be stored', lost);
    const startOf = (machine: number | undefined): EventData['AgentStarted'] => ({
      version,
      ...(lost && { lost }),
      ...(machine !== undefined && { later: machine }),
    });
    for (const actor of this.actors.values()) {
      if (isFinished(actor)) this.#forget(actor);
      else this.tell(actor, { type: 'AgentStarted', data: startOf(later.get(actor)) }, null);
    }
  }

  /** The actor of a key; made where it is missing. */
  actor(key: Key): Actor {
    const id = spellKey(key);
    let actor = this.actors.get(id);
    if (!actor) this.actors.set(id, (actor = new Actor(key, id)));
    return actor;
  }

  /**
   * Whether decisions are suspended: so many events wait for a journal that cannot be written that one more might be lost. Nothing
   * is done to the kernel meanwhile; what happens to it is seen when the journal has room again.
   */
  get parked(): boolean {
    return this.#parked;
  }

  /** Why events are not stored now, in words; null where they are. */
  get trouble(): string | null {
    return this.#eventWriter.trouble;
  }

  tell(actor: Actor, fact: Fact, cause: Cause | null): void {
    // Drop late results for an actor that was removed.
    if (this.#stopped || this.actors.get(actor.id) !== actor) return;
    actor.expect(fact);
    if (this.#parked) return this.#deferred.add({ actor, fact, cause });
    this.#queue.push({ actor, fact, cause });
    this.#schedule();
  }

  contain(actor: Actor, step: string, run: () => void): void {
    try {
      run();
    } catch (error) {
      const message = explain(error);
      this.#runtime.log.error('a step of an interface failed; retrying later', {
        actor: actor.id,
        step,
        error: message,
      });
      // Report it once: a step that keeps failing is retried when the back-off is over, not at once.
      if (this.#failing.has(actor) || actor.snapshot.context.failure?.code === 'InternalError') return;
      this.#failing.add(actor);
      this.tell(actor, { type: 'StepFailed', data: { step, message } }, null);
    }
  }

  /** Folds and stores what is queued, and begins what the machines ask for. */
  flush(): void {
    this.#scheduled = false;
    const touched = new Set<Actor>();
    while (this.#queue.length > 0 && !this.#isFull()) {
      const asked: { actor: Actor; operation: Operation; cause: Cause }[] = [];
      const recorded: RecordedEvent[] = [];
      for (const item of this.#queue.splice(0, this.#journal.room)) {
        item.actor.folds(item.fact);
        this.contain(item.actor, `fold ${item.fact.type}`, () => {
          const { event, operations } = this.#recorder.record(item, recorded.length);
          recorded.push(event);
          touched.add(item.actor);
          const cause = { id: event.id, correlation: event.correlationId };
          for (const operation of operations) asked.push({ actor: item.actor, operation, cause });
        });
        // Afterwards: where even this fact cannot be folded, it is not told again, which would never end.
        if (item.fact.type === 'StepFailed') this.#failing.delete(item.actor);
      }
      this.#eventWriter.store(recorded);
      for (const actor of touched) this.contain(actor, 'update', () => this.#effects.update(actor));
      for (const { actor, operation, cause } of asked)
        this.contain(actor, operation.type, () => this.#effects.begin(actor, operation, cause));
    }
    for (const actor of touched) this.contain(actor, 'settle', () => this.#settle(actor));
    if (touched.size > 0) this.stored.emit();
  }

  /** Stores each actor's snapshot and closes the kernel. Links stay as they are. */
  stop(): void {
    if (this.#stopped) return;
    this.flush();
    this.#stopped = true;
    this.#eventWriter.stop();
    this.#stopPacking();
    this.save(this.actors.keys());
    this.#effects.stop(this.actors.values());
  }

  /** Stores snapshots of these actors, so that the journal may drop their older events. */
  save(ids: Iterable<string>): void {
    if (this.trouble !== null) return;
    for (const id of ids) {
      const actor = this.actors.get(id);
      if (actor) this.#snapshots.save(actor);
    }
  }

  /** Packs at most `most` actors whose state was not read since the last call. */
  packIdle(most: number): void {
    let packed = 0;
    for (const actor of this.actors.values()) {
      if (packed >= most) return;
      if (actor.packIfIdle()) packed++;
    }
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.flush());
  }

  /** Whether no event may be made now; if so, facts are deferred until the journal can be written. */
  #isFull(): boolean {
    if (this.#eventWriter.room > 0) return false;
    this.#runtime.log.error('event buffer full: changes suspended until the journal is writable');
    this.#parked = true;
    for (const item of this.#queue.splice(0)) this.#deferred.add(item);
    return true;
  }

  #recover(): void {
    this.#snapshots.settle((id) => this.actors.has(id));
    if (this.#parked) {
      this.#parked = false;
      this.#queue.push(...this.#deferred.take());
      this.#schedule();
      for (const actor of this.actors.values()) this.#effects.looker.look(actor);
    }
    this.recovered.emit();
    this.stored.emit();
  }

  #settle(actor: Actor): void {
    this.changed.emit(actor);
    if (isFinished(actor)) return this.#forget(actor);
    if (this.trouble === null) this.#snapshots.saveIfDue(actor);
    this.#effects.settle(actor);
  }

  #forget(actor: Actor): void {
    this.actors.delete(actor.id);
    this.#snapshots.finish(actor.id);
    if (this.trouble === null) this.#snapshots.settle((id) => this.actors.has(id));
    this.#effects.forget(actor);
    this.forgotten.emit(actor);
  }
}

const isFinished = ({ snapshot }: Actor): boolean =>
  snapshot.value === 'deleted' && snapshot.context.deletion?.gone === true;
