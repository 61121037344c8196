import { UsageError } from '@ifactor/common';
import { Life } from '../../log/lives.ts';
import { WhatIf } from '../../replay/whatIf.ts';
import type { EventLog } from './log.ts';
import type { ActorId, Asks, DifferenceRow } from '../protocol.ts';
import { createTimeSlice } from '../timeSlice.ts';

/**
 * Folds the log of one actor, or of all, with the code at hand, and finds where it first decides otherwise than what wrote the
 * log. Yields so that other requests are served.
 * @throws UsageError on an actor that the log does not hold, and where only a part of the log is held
 */
export async function refold(log: EventLog, id: ActorId | null): Promise<Asks['whatIf']['answer']> {
  if (log.start > 0)
    throw new UsageError(
      'only the newest part of the log is held, and folding begins with the first event: run `ifactor replay --what-if`',
    );
  const tracks = id === null ? [...log.tracks.values()] : [log.tracks.get(id)];
  const endSlice = createTimeSlice();
  let first: DifferenceRow | null = null;
  let events = 0;
  for (const track of tracks) {
    if (!track) throw new UsageError(`the log holds no actor ${id}`);
    const comparison = new WhatIf();
    const life = new Life();
    for (const position of track.lived.slice()) {
      events++;
      comparison.see(life.step(log.event(position)));
      await endSlice();
      if (comparison.difference === null) continue;
      const { recorded, now } = comparison.difference;
      if (first === null || position < first.row.position) first = { row: log.row(position), recorded, now };
      break;
    }
  }
  return { events, difference: first };
}
