/** Why a journal cannot be opened or written. */
export type JournalErrorCode =
  /** The state folder cannot be made or written. */
  | 'NotWritable'
  /** Another agent runs on the same state folder. */
  | 'Locked'
  /** Written by a later version of ifactor. */
  | 'Newer'
  /** Belongs to another node. */
  | 'OtherNode'
  /** Not a database, or a damaged one: `recoverJournal` sets it aside. */
  | 'Torn'
  /** No space is left; what was stored before is intact. */
  | 'Full'
  /** Anything else that SQLite reports. */
  | 'Failed';

/** A journal that cannot be used; the message says what to do next. */
export class JournalError extends Error {
  override name = 'JournalError';
  readonly code: JournalErrorCode;

  constructor(code: JournalErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** Of a state folder, or a file in it, that cannot be `used`: for want of space, or of permission. */
export function unusable(used: string, cause: unknown): JournalError {
  const { errcode, code } = cause as { errcode?: unknown; code?: unknown };
  if (errcode === 13 || code === 'ENOSPC')
    return new JournalError(
      'Full',
      `cannot ${used}: the disk is full; free some space, what was stored is intact`,
      cause,
    );
  return new JournalError('NotWritable', `cannot ${used}; make it writable for the agent`, cause);
}

/** SQLite's primary result codes: https://sqlite.org/rescode.html */
const codes: Record<number, [JournalErrorCode, string] | undefined> = {
  8: ['NotWritable', 'is read-only; make it writable for the agent'],
  10: ['Failed', 'cannot be read or written; look at the disk'],
  11: ['Torn', 'is damaged; set it aside and start a new one'],
  13: ['Full', 'cannot grow: the disk is full; free some space, what was stored is intact'],
  14: ['NotWritable', 'cannot be opened; make the folder writable for the agent'],
  26: ['Torn', 'is not a journal; set it aside and start a new one'],
};

/** Runs a step on the database at `path`, and says in our terms what SQLite says in its own. @throws JournalError */
export function guarded<T>(path: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (error instanceof JournalError) throw error;
    const errcode = (error as { errcode?: unknown }).errcode;
    if (typeof errcode !== 'number') throw error;
    const [code, advice] = codes[errcode & 0xff] ?? ['Failed', 'failed'];
    throw new JournalError(code, `the journal ${path} ${advice}`, error);
  }
}
