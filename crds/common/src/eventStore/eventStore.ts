/** A message that a stream holds. */
export type StoredMessage = {
  subject: string;
  /** Its place in the stream, from 1 on; never given out twice in the life of a stream. */
  sequence: number;
  /** When the stream took it, in milliseconds since 1970 by the server's clock. */
  time: number;
  /** The value of a header, '' where it is missing. */
  header: (name: string) => string;
  body: string;
};

export type NewMessage = {
  subject: string;
  body: string;
  headers: Readonly<Record<string, string>>;
  /** A second message with this id is not stored while the stream remembers the first, which is for two minutes. */
  id?: string;
  /** Sequence of the subject's last message, 0 for none: the message is refused where the subject has moved on. */
  expectedSequence?: number;
};

/** `duplicate`: a message with this id was stored before; `sequence` is the place of that one. */
export type Appended = { sequence: number; duplicate: boolean };

/**
 * `created` tells one life of a stream from the next, `last` is the highest sequence that was given out, `now` the time of the server
 * when it answered, in milliseconds since 1970.
 */
export type StreamState = { created: string; last: number; now: number };

/** What a follower is given: each message, and once that nothing more was stored when it began. */
export type Followed = { type: 'message'; message: StoredMessage } | { type: 'caughtUp' };

/**
 * Whether the server is reachable now. What is sent while it is not is lost or late, so whoever sends waits for `connected` first, and
 * ends what it was doing when `session` aborts.
 */
export type Session = {
  /** Resolves while connected; never after the connection was closed for good. */
  connected: () => Promise<void>;
  /** Aborted when the connection that is there now breaks. */
  session: () => AbortSignal;
};

/**
 * Streams of messages that a server keeps; all of NATS JetStream that this system uses.
 *
 * Every call rejects with `StreamMissing` where the stream does not exist, and with another error where the server does
 * not answer: the caller tries again. Filters are subjects in which `*` stands for one token, `>` for the rest.
 */
export type EventStore = Session & {
  /**
   * Resolves when the message is stored, or is known to be there by its id. Messages of one connection are stored in
   * the order of the calls.
   * @throws SequenceConflict where the subject's last message is not the expected one
   */
  append(stream: string, message: NewMessage): Promise<Appended>;
  /** The last message that matches, from the stream itself rather than from a copy that may lag. */
  last(stream: string, filter: string): Promise<StoredMessage | undefined>;
  /** The first message that matches at or after a sequence. */
  next(stream: string, from: number, filter: string): Promise<StoredMessage | undefined>;
  state(stream: string): Promise<StreamState>;
  /** Takes one message out; that it is gone is no error. */
  remove(stream: string, sequence: number): Promise<void>;
  /** Takes out all messages that match, with `through` only those up to that sequence. */
  purge(stream: string, filter: string, through?: number): Promise<void>;
  /**
   * The last message of each subject in the stream's order, then every new one. Ends when the signal is aborted, the
   * connection breaks, or the place in the stream is lost: the stream may be another one by then.
   */
  follow(stream: string, filter: string, signal: AbortSignal): AsyncIterable<Followed>;
  /**
   * Every new message, beginning where the last reader of this name stopped; a name that was never used begins with
   * what comes now. A message counts as read when the next one is asked for; after a break some come again.
   */
  consume(stream: string, name: string, filter: string, signal: AbortSignal): AsyncIterable<StoredMessage>;
  /** Makes the streams that are missing. */
  prepare(): Promise<void>;
  /** The largest message that is taken, headers included, in bytes. */
  readonly maxMessageBytes: number;
};

/** The subject's last message is not the expected one: somebody else was first, or an earlier try was stored. */
export class SequenceConflict extends Error {
  override name = 'SequenceConflict';

  constructor(subject: string, expected: number, options?: ErrorOptions) {
    super(`${subject}: its last message is not number ${expected}; somebody else wrote it`, options);
  }
}

export class StreamMissing extends Error {
  override name = 'StreamMissing';

  constructor(stream: string, options?: ErrorOptions) {
    super(`stream ${stream} does not exist; it is created on the next try`, options);
  }
}

/** Whether a subject matches a filter. */
export function matches(filter: string, subject: string): boolean {
  const [wanted, tokens] = [filter.split('.'), subject.split('.')];
  for (const [at, token] of wanted.entries()) {
    if (token === '>') return tokens.length > at;
    if (at >= tokens.length || (token !== '*' && token !== tokens[at])) return false;
  }
  return wanted.length === tokens.length;
}
