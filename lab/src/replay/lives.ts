import { fold, initial } from '@ifactor/actors';
import type { Snapshot } from '@ifactor/actors';
import type { Operation, RecordedEvent, StatusMessage } from '@ifactor/crds';

/** One event of an actor's log, and what it made of the actor. */
export type Step = { event: RecordedEvent; before: Snapshot; snapshot: Snapshot; operations: readonly Operation[] };

/** `<node> <kind>/<namespace>/<name>`: an actor among those of all nodes. */
export const actorOf = ({ node, key }: Pick<RecordedEvent, 'node' | 'key'>): string => `${node} ${key.kind}/${key.namespace}/${key.name}`;

/** The actor that a status is of. */
export const placeOf = ({ node, kind, namespace, name }: StatusMessage): Pick<RecordedEvent, 'node' | 'key'> => ({
  node,
  key: { kind: kind.toLowerCase(), namespace, name },
});

/** The journal's id, from an event's. */
export const journalOf = ({ id }: RecordedEvent): string => id.split('.').at(-2) ?? '';

/**
 * Events of one actor as its agent lived them. A power cut can take the journal's last events after they were shipped:
 * then the next journal id goes on from an earlier number, and what stands above it never happened for the agent.
 */
export function lived(events: readonly RecordedEvent[]): RecordedEvent[] {
  const result: RecordedEvent[] = [];
  for (const event of events) {
    const last = result.at(-1);
    // The first word of an agent that remembers the actor is AgentStarted; else its journal was lost, not set back.
    if (last !== undefined && journalOf(last) !== journalOf(event) && event.type === 'AgentStarted') {
      while ((result.at(-1)?.sequence ?? 0) >= event.sequence) result.pop();
    }
    result.push(event);
  }
  return result;
}

/**
 * Folds the log of one actor, event by event.
 * @param from an actor to go on from, instead of one that has heard nothing
 */
export function* replay(events: Iterable<RecordedEvent>, from?: Snapshot): Generator<Step> {
  let snapshot = from;
  let journal: string | undefined;
  for (const event of events) {
    const anew = journal !== undefined && journal !== journalOf(event) && event.type !== 'AgentStarted';
    journal = journalOf(event);
    const before = snapshot === undefined || anew || finished(snapshot) ? initial(event.key) : snapshot;
    const { snapshot: after, operations } = fold(before, event);
    yield { event, before, snapshot: after, operations };
    snapshot = after;
  }
}

/** An agent forgets an actor whose object and link are gone; another object of that name begins a new life. */
const finished = ({ value, context }: Snapshot): boolean => value === 'deleted' && context.deletion?.gone === true;
