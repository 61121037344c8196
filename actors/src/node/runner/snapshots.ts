import { explain } from '@ifactor/common';
import type { Log } from '@ifactor/common';
import { machineVersion } from '@ifactor/crds';
import type { Key } from '@ifactor/crds';
import { fold, foldLater, freeze, initial, thaw } from '../../interface/machine/fold.ts';
import type { Journal } from '../journal/journal.ts';
import { parseKey } from '../journal/read.ts';
import { rulesIn } from '../../interface/machine/difference.ts';
import type { Context } from '../../interface/machine/context.ts';
import type { Actor } from './actor.ts';

/** Events of an actor after which its snapshot is stored again. */
const snapshotEvery = 200;

type Store = Pick<Journal, 'saveSnapshot' | 'forget' | 'snapshots' | 'tail'>;

/** Stores what actors know, and brings it back at the next start. */
export class Snapshots {
  readonly #journal: Store;
  readonly #log: Log;
  /** Actors that finished while that could not be stored. */
  readonly #finished = new Set<string>();

  constructor(journal: Store, log: Log) {
    this.#journal = journal;
    this.#log = log;
  }

  /**
   * Restores every actor of the journal. One whose log a later version wrote keeps what this version understands, and one whose log
   * cannot be read starts from the initial state: both adopt what the kernel shows.
   * @returns actors whose log a later version of the machine wrote, and which
   */
  restore(actorOf: (key: Key) => Actor): Map<Actor, number> {
    const unreadable = new Set<Actor>();
    const restored = new Set<Actor>();
    const later = new Map<Actor, number>();
    const wrote = (actor: Actor, machine: number): void => {
      if (machine > machineVersion) later.set(actor, Math.max(machine, later.get(actor) ?? 0));
    };
    const attempt = (actor: Actor, step: () => void): void => {
      try {
        step();
      } catch (error) {
        this.#log.error('journal of an interface cannot be read; adopting what the kernel shows', {
          actor: actor.id,
          error: explain(error),
        });
        unreadable.add(actor);
        actor.snapshot = initial(actor.key);
      }
    };
    for (const { key, body } of this.#journal.snapshots()) {
      if (body === null) continue;
      const actor = actorOf(parseKey(key));
      restored.add(actor);
      attempt(actor, () => {
        const { former = [], ...frozen } = JSON.parse(body) as Parameters<typeof thaw>[0] & { former?: string[] };
        wrote(actor, frozen.machine ?? 0);
        actor.snapshot = thaw(frozen);
        remember(actor, former);
      });
    }
    for (const event of this.#journal.tail()) {
      const actor = actorOf(event.key);
      restored.add(actor);
      actor.lastEvent = { sequence: event.sequence, type: event.type, time: event.time };
      actor.unsaved++;
      wrote(actor, event.machine);
      if (unreadable.has(actor)) continue;
      attempt(actor, () => {
        const { context } = actor.snapshot;
        if (event.type === 'SpecChanged') remember(actor, selectorsOf(context));
        actor.snapshot = (later.has(actor) ? foldLater : fold)(actor.snapshot, event).snapshot;
      });
    }
    for (const actor of restored) remember(actor, selectorsOf(actor.snapshot.context));
    return later;
  }

  saveIfDue(actor: Actor): void {
    if (actor.unsaved >= snapshotEvery && actor.snapshot.context.running === null) this.save(actor);
  }

  /** Must not be called while events of the actor wait in memory. */
  save(actor: Actor): void {
    if (actor.unsaved === 0 || !actor.lastEvent) return;
    const former = [...new Set([...actor.former.map(({ selector }) => selector), ...actor.remembered])];
    const body = JSON.stringify({ ...freeze(actor.snapshot), ...(former.length > 0 && { former }) });
    try {
      this.#journal.saveSnapshot(actor.id, actor.lastEvent.sequence, body);
      actor.unsaved = 0;
    } catch (error) {
      this.#log.warn('failed to store a snapshot; retrying later', { actor: actor.id, error: explain(error) });
    }
  }

  /** Notes that an actor has finished. */
  finish(id: string): void {
    this.#finished.add(id);
  }

  /** Writes the pending ends of finished actors, except for actors that exist again. */
  settle(lives: (id: string) => boolean): void {
    for (const id of this.#finished) {
      try {
        if (!lives(id)) this.#journal.forget(id);
        this.#finished.delete(id);
      } catch (error) {
        this.#log.warn('failed to store the end of an interface; retrying later', { actor: id, error: explain(error) });
      }
    }
  }
}

/** The containers that the spec in force names, as `SlotFollower.selector`; none where no operation ever ran. */
function selectorsOf(context: Context): string[] {
  const rules = context.round === 0 ? null : rulesIn(context);
  if (rules === null || context.spec === null) return [];
  return rules.places(context.spec).flatMap(({ container }) => (container === null ? [] : JSON.stringify(container)));
}

function remember(actor: Actor, selectors: readonly string[]): void {
  const added = selectors.filter((selector) => !actor.remembered.includes(selector));
  if (added.length > 0) actor.remembered = [...actor.remembered, ...added];
}
