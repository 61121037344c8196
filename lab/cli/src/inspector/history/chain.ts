import { UsageError } from '@ifactor/common';
import type { EventLog } from './log.ts';
import type { ChainRow } from '../protocol.ts';
import { rank } from './track.ts';

/** How many events a chain shows at most, so that no page is drowned by an actor that never rests. */
const longest = 1000;

type Growing = ChainRow & { effects: Growing[] };

/** What set an event off, and all that followed from that. @throws UsageError on an event that the log does not hold */
export function chainOf(log: EventLog, id: string): ChainRow {
  let root = log.find(id);
  if (root === undefined) throw new UsageError(`the log holds no event ${id}`);
  for (let cause = log.causeOf(root); cause !== undefined && cause < root; cause = log.causeOf(root)) root = cause;
  const tree: Growing = { ...log.row(root), effects: [] };
  const known = new Map<number, Growing>([[root, tree]]);
  const positions = log.tracks.get(tree.actor)?.positions ?? [];
  for (const position of positions.slice(rank(positions, root))) {
    const cause = known.get(log.causeOf(position) ?? 0);
    if (!cause) continue;
    const effect: Growing = { ...log.row(position), effects: [] };
    cause.effects.push(effect);
    known.set(position, effect);
    if (known.size >= longest) break;
  }
  return tree;
}
