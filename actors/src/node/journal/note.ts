import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const LostSchema = z.object({ events: z.int(), since: z.string() });
/** Events that were acted on and never stored: the disk was full, and the agent ended before it had room. `since`: time of the first. */
export type LostEvents = z.infer<typeof LostSchema>;

/** `events` wait in memory behind the stored one numbered `after`. `lost`: of former runs, not recorded in any event yet. */
const NoteSchema = z.object({ after: z.int(), events: z.int(), since: z.string(), lost: LostSchema.nullable() });
type Waiting = Omit<z.infer<typeof NoteSchema>, 'lost'>;

const size = 512;
const nobody: Waiting = { after: 0, events: 0, since: '' };

/** What is known of events that are not in the journal, in a place that can be written when the disk is full. */
export type JournalNote = {
  readonly lost: LostEvents | null;
  /** Notes what waits now; nothing where it is left out. */
  write(waiting?: Waiting): void;
  /** An event that records what was lost is stored. */
  told(): void;
};

/**
 * Opens `<folder>/journal.note`: one block, made while there is room and overwritten in place from then on.
 * @param stored number of the journal's last event
 */
export function openNote(folder: string, stored: number): JournalNote {
  const path = join(folder, 'journal.note');
  const found = readNote(path);
  const stays = found !== null && found.events > 0 && stored < found.after + found.events ? found : null;
  let lost =
    stays === null
      ? (found?.lost ?? null)
      : { events: stays.events + (stays.lost?.events ?? 0), since: stays.lost?.since ?? stays.since };
  const write = (waiting = nobody): void => {
    const text = JSON.stringify({ ...waiting, lost } satisfies z.infer<typeof NoteSchema>).padEnd(size);
    try {
      writeFileSync(path, text, { mode: 0o600, flag: existsSync(path) ? 'r+' : 'w' });
    } catch {
      // The disk was full before the note was made: then there is no place left to say so.
    }
  };
  // What was lost is known by now: numbers that are given out again must not make it look stored.
  if (found === null || lost !== null) write();
  return {
    get lost() {
      return lost;
    },
    write,
    told: () => {
      lost = null;
      write();
    },
  };
}

/** A note that was never written, or is torn, says nothing. */
function readNote(path: string): z.infer<typeof NoteSchema> | null {
  try {
    return NoteSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return null;
  }
}
