/** A message that a stream holds. */
export type StoredMessage = {
  subject: string;
  /** Its sequence in the stream, from 1 on; never used twice between creation and deletion of a stream. */
  sequence: number;
  /** When the stream stored it, in milliseconds since 1970 by the server's clock. */
  time: number;
  /** The value of a header, '' where it is missing. */
  header: (name: string) => string;
  body: string;
};

export type NewMessage = {
  subject: string;
  body: string;
  headers: Readonly<Record<string, string>>;
  /** A second message with this id is not stored while the stream still has the id of the first, which is two minutes. */
  id?: string;
  /** Sequence of the subject's last message, 0 for none: the message is refused if the subject has a newer one. */
  expectedSequence?: number;
};

/** `duplicate`: a message with this id was stored before; `sequence` is that of the first one. */
export type Appended = { sequence: number; duplicate: boolean };

/**
 * `created` distinguishes a stream from a later one of the name, `last` is the highest sequence that was used, `now` the server's
 * time of the response, in milliseconds since 1970.
 */
export type StreamState = { created: string; last: number; now: number };

/** What a follower receives: each message, and once a marker after all messages that were stored when it began. */
export type Followed = { type: 'message'; message: StoredMessage } | { type: 'caughtUp' };

/**
 * Whether the server is reachable now. Nothing is sent while it is not, so a sender waits for `connected` first, and ends its work when `session` aborts.
 */
export type Session = {
  /** Resolves while connected; never after the connection was closed permanently. */
  connected: () => Promise<void>;
  /** Aborted when the current connection breaks. */
  session: () => AbortSignal;
};

/**
 * Streams of messages that a server keeps; the part of NATS JetStream that this system uses.
 *
 * Every call rejects with `StreamMissing` if the stream does not exist, and with another error if the server does
 * not respond: the caller retries. Filters are subjects in which `*` matches one token, `>` the rest.
 */
export type EventStore = Session & {
  /**
   * Resolves when the message is stored, or its id is already stored. Messages of one connection are stored in
   * the order of the calls.
   * @throws SequenceConflict if the subject's last message is not the expected one; StreamFull; NotConnected, at once, if the
   * connection is broken or breaks before the answer
   */
  append(stream: string, message: NewMessage): Promise<Appended>;
  /** The last message that matches, from the stream itself rather than from a copy that may lag. */
  last(stream: string, filter: string): Promise<StoredMessage | undefined>;
  /** The first message that matches at or after a sequence. */
  next(stream: string, from: number, filter: string): Promise<StoredMessage | undefined>;
  state(stream: string): Promise<StreamState>;
  /** Removes one message; if it is already gone, that is not an error. */
  remove(stream: string, sequence: number): Promise<void>;
  /** Removes all messages that match, with `through` only those up to that sequence. */
  purge(stream: string, filter: string, through?: number): Promise<void>;
  /**
   * The last message of each subject in the stream's order, then every new one. Ends when the signal is aborted, the
   * connection breaks, or the position in the stream is lost: by then the stream may have been recreated.
   */
  follow(stream: string, filter: string, signal: AbortSignal): AsyncIterable<Followed>;
  /**
   * Every new message, beginning where the last consumer of this name stopped; a name that was never used begins with
   * new messages. A message counts as read when the next one is requested; after a disconnect some are delivered again.
   */
  consume(stream: string, name: string, filter: string, signal: AbortSignal): AsyncIterable<StoredMessage>;
  /** Creates missing streams. */
  prepare(): Promise<void>;
  /** The largest accepted message, headers included, in bytes. */
  readonly maxMessageBytes: number;
};

/** The subject's last message is not the expected one: another writer was first, or an earlier try was stored. */
export class SequenceConflict extends Error {
  override name = 'SequenceConflict';

  constructor(subject: string, expected: number, options?: ErrorOptions) {
    super(`${subject}: its last message is not number ${expected}; somebody else wrote it`, options);
  }
}

/** Whether a message of a KV bucket says that its key was deleted. */
export const isRemoval = ({ header }: Pick<StoredMessage, 'header'>): boolean => header('KV-Operation') !== '';

/** A message was refused because there is no room for it; the caller retries, since room may be made. */
export class StreamFull extends Error {
  override name = 'StreamFull';
  /** `stream`: it has reached its own limit. `server`: no stream of the server or account takes anything. */
  readonly what: 'stream' | 'server';

  constructor(stream: string, what: 'stream' | 'server', options?: ErrorOptions) {
    super(
      what === 'stream'
        ? `stream ${stream} is full: raise its limit (nats stream edit ${stream} --max-bytes SIZE) or delete what it holds`
        : `NATS has no room to store messages in ${stream} or any other stream: raise max_file_store of the NATS servers, or make room ` +
            `(nats stream report shows what takes it, ifactor nats raise gives our streams limits)`,
      options,
    );
    this.what = what;
  }
}

export class StreamMissing extends Error {
  override name = 'StreamMissing';

  constructor(stream: string, options?: ErrorOptions) {
    super(`stream ${stream} does not exist; it is created on the next try`, options);
  }
}

/** The message was not sent, or its answer cannot come: it may be stored. A second try with the same id is harmless. */
export class NotConnected extends Error {
  override name = 'NotConnected';

  constructor(subject: string, options?: ErrorOptions) {
    super(`a message to ${subject}: the connection to NATS is lost or closed`, options);
  }
}

/** A consumer that a bridge makes does not exist, or not any more. */
export class ConsumerMissing extends Error {
  override name = 'ConsumerMissing';

  constructor(consumer: string, stream: string, options?: ErrorOptions) {
    super(`consumer ${consumer} of ${stream} does not exist; a bridge creates it`, options);
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
