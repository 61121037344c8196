import type { RecordedEvent } from '@ifactor/crds';

/** An event and what followed from it, in order. */
export type CausalTree = { event: RecordedEvent; effects: CausalTree[] };

/** The causal tree below an event. Causes precede their effects in the log, so it has no circles. */
export function causes(events: readonly RecordedEvent[], root: RecordedEvent): CausalTree {
  const tree: CausalTree = { event: root, effects: [] };
  const known = new Map([[root.id, tree]]);
  for (const event of events) {
    const cause = event.causationId === null ? undefined : known.get(event.causationId);
    if (cause === undefined || known.has(event.id)) continue;
    const effect: CausalTree = { event, effects: [] };
    cause.effects.push(effect);
    known.set(event.id, effect);
  }
  return tree;
}
