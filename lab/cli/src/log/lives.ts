import { fold, foldLater, initial } from '@ifactor/actors';
import type { Snapshot } from '@ifactor/actors';
import { machineVersion } from '@ifactor/crds';
import type { Operation, RecordedEvent, StatusMessage } from '@ifactor/crds';
import { happened, journalOf, Setbacks } from './setbacks.ts';
import type { Cuts } from './setbacks.ts';

/** One event of an actor's log, and what it made of the actor. */
export type FoldStep = { event: RecordedEvent; before: Snapshot; snapshot: Snapshot; operations: readonly Operation[] };

/** `<node> <kind>/<namespace>/<name>`: an actor among those of all nodes. */
export const actorOf = ({ node, key }: Pick<RecordedEvent, 'node' | 'key'>): string =>
  `${node} ${key.kind}/${key.namespace}/${key.name}`;

/** The actor that a status is of. */
export const originOf = ({ node, kind, namespace, name }: StatusMessage): Pick<RecordedEvent, 'node' | 'key'> => ({
  node,
  key: { kind: kind.toLowerCase(), namespace, name },
});

/** Whether an actor's log can be folded from this event on: it is the actor's first event. */
export const begins = ({ type }: RecordedEvent): boolean => type === 'SpecChanged' || type === 'DeletionRequested';

/** Events of one actor, without those that a power cut removed from its journal. */
export function lived(events: readonly RecordedEvent[]): RecordedEvent[] {
  const setbacks = new Setbacks();
  for (const event of events) setbacks.see(event);
  return events.filter((event) => happened(setbacks.cuts, event));
}

/** Folds the log of one actor, and holds no more than its last state. */
export class Life {
  #snapshot: Snapshot | undefined;
  #journal: string | undefined;
  /** Whether a later version of the machine wrote an event of it. */
  #later = false;

  /**
   * @param from the snapshot to continue from, instead of a new actor
   * @param journal the journal that holds its last event, if known
   */
  constructor(from?: Snapshot, journal?: string) {
    this.#snapshot = from;
    this.#journal = journal;
  }

  get journal(): string | undefined {
    return this.#journal;
  }

  step(event: RecordedEvent): FoldStep {
    const journal = journalOf(event);
    // An agent that restored the actor first records AgentStarted.
    const otherJournal = this.#journal !== undefined && this.#journal !== journal && event.type !== 'AgentStarted';
    this.#journal = journal;
    const before = this.#snapshot === undefined || otherJournal ? initial(event.key) : this.#snapshot;
    this.#later ||= event.machine > machineVersion;
    const { snapshot, operations } = (this.#later ? foldLater : fold)(before, event);
    this.#snapshot = snapshot;
    return { event, before, snapshot, operations };
  }
}

/**
 * Folds the log of one actor, event by event.
 * @param from the snapshot to continue from, instead of a new actor
 */
export function* replay(events: Iterable<RecordedEvent>, from?: Snapshot): Generator<FoldStep> {
  const life = new Life(from);
  for (const event of events) yield life.step(event);
}

/**
 * Folds every actor of a log as it is read, and holds no more than each one's last state.
 * @param read begins to read; called again where events turn out to have been set back
 * @param begin called before each reading; its result is called with each step
 * @param wanted selects the events to fold
 */
export async function replayAll(
  read: () => AsyncIterable<RecordedEvent>,
  begin: () => (step: FoldStep) => void,
  wanted: (event: RecordedEvent) => boolean = () => true,
): Promise<void> {
  for (let cuts: Cuts = new Map(); ;) {
    const setbacks = new Setbacks();
    const see = begin();
    const lives = new Map<string, Life>();
    for await (const event of read()) {
      if (!happened(cuts, event)) continue;
      setbacks.see(event);
      if (!wanted(event)) continue;
      const actor = actorOf(event);
      let life = lives.get(actor);
      if (!life) lives.set(actor, (life = new Life()));
      see(life.step(event));
    }
    if (setbacks.cuts.size === 0) return;
    cuts = new Map([...cuts, ...setbacks.cuts]);
  }
}
