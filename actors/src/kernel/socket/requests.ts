/** Requests to the kernel over one socket: in order, a small batch at a time, each answered once. */
import type { Clock } from '@ifactor/common';
import { KernelError } from '../error.ts';
import { errnoName } from './errno.ts';
import type { Socket, SocketHandlers } from './socket.ts';
import {
  address,
  attributes,
  messages,
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLM_F_DUMP_INTR,
  NLMSG_DONE,
  NLMSG_ERROR,
  readText,
  type Message,
} from '../wire/attribute.ts';

const NLMSGERR_ATTR_MSG = 1;

export type RequestOptions = {
  /** For error texts, e.g. 'create bridge br0'. */
  operation: string;
  /** Called with each message of a dump or answer; its payload is a view. */
  each?: (message: Message) => void;
  /** Goes alone: its answer is long. */
  alone?: boolean;
  /** Goes alone, and takes the kernel long. Never a dump. */
  slow?: boolean;
};

/** `interrupted`: the dump may lack entries, since they changed while it went on. */
export type Answer = { interrupted: boolean };

type Pending = RequestOptions & {
  data: Buffer;
  seq: number;
  answer: Answer;
  resolve(answer: Answer): void;
  reject(error: Error): void;
};

const batchMessages = 16;
const answerTimeoutMs = 60_000;

/**
 * The kernel executes rtnetlink requests within `send`, so a batch saves system calls and wake-ups, and a small one cannot
 * overflow the receive buffer with acknowledgements.
 */
export class Requests {
  readonly #socket: Socket;
  readonly #queue: Pending[] = [];
  #inFlight: Pending[] = [];
  readonly #clock: Clock;
  #cancelWatch: (() => void) | undefined;
  #scheduled = false;
  #seq = 1;
  #closed = false;

  constructor(open: (handlers: SocketHandlers) => Socket, clock: Clock) {
    this.#clock = clock;
    this.#socket = open({
      receive: (data) => {
        for (const message of messages(data)) this.#receive(message);
      },
      broken: (error) => this.#fail(error.code ?? 'EIO', error),
    });
  }

  /** @param data from `MessageWriter.finish`, of a dump or with NLM_F_ACK: that ends the answer. @throws KernelError */
  request(data: Buffer, options: RequestOptions): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new KernelError('ECLOSED', options.operation));
      this.#queue.push({ ...options, data, seq: 0, answer: { interrupted: false }, resolve, reject });
      this.#schedule();
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#fail('ECLOSED');
    this.#closed = true;
    for (const pending of this.#queue.splice(0)) pending.reject(new KernelError('ECLOSED', pending.operation));
    this.#socket.close();
  }

  /** Sends after the current turn of the caller, so that what is asked together goes together. */
  #schedule(): void {
    if (this.#scheduled || this.#inFlight.length > 0 || this.#queue.length === 0) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      if (this.#inFlight.length === 0 && this.#queue.length > 0 && !this.#closed) this.#send();
    });
  }

  #send(): void {
    let count = 1;
    if (!single(this.#queue[0]!))
      while (count < Math.min(batchMessages, this.#queue.length) && !single(this.#queue[count]!)) count++;
    this.#inFlight = this.#queue.splice(0, count);
    for (const pending of this.#inFlight) {
      pending.seq = this.#seq;
      this.#seq = (this.#seq % 0xffffffff) + 1;
      address(pending.data, pending.seq, this.#socket.port);
    }
    this.#socket.keepAlive(true);
    this.#watch(this.#inFlight);
    this.#socket.send(
      this.#inFlight.map((pending) => pending.data),
      this.#inFlight[0]?.slow,
    );
  }

  /** A busy process runs its timers before it reads its sockets; so an answer may lie there when the time is up. */
  #watch(flight: Pending[]): void {
    this.#cancelWatch = this.#clock.after(answerTimeoutMs, () =>
      setImmediate(() =>
        setImmediate(() => {
          if (this.#inFlight === flight && flight.length > 0) this.#fail('ETIMEDOUT');
        }),
      ),
    );
  }

  #receive(message: Message): void {
    const pending = this.#inFlight[0];
    if (!pending || message.seq !== pending.seq) return;
    if (message.flags & NLM_F_DUMP_INTR) pending.answer.interrupted = true;
    if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) {
      const errno = message.payload.length >= 4 ? message.payload.readInt32LE(0) : 0;
      this.#settle(errno === 0 ? undefined : rejection(errno, message, pending.operation));
      return;
    }
    pending.each?.(message);
  }

  #settle(error: KernelError | undefined): void {
    const pending = this.#inFlight.shift()!;
    if (error) pending.reject(error);
    else pending.resolve(pending.answer);
    if (this.#inFlight.length > 0) return;
    this.#idle();
    this.#schedule();
  }

  #fail(code: string, cause?: Error): void {
    const failed = this.#inFlight;
    this.#inFlight = [];
    if (failed.length > 0) this.#idle();
    for (const pending of failed) pending.reject(new KernelError(code, pending.operation, { cause }));
    this.#schedule();
  }

  #idle(): void {
    this.#cancelWatch?.();
    this.#socket.keepAlive(false);
  }
}

function single({ alone, slow }: RequestOptions): boolean {
  return (alone ?? false) || (slow ?? false);
}

function rejection(errno: number, message: Message, operation: string): KernelError {
  return new KernelError(errnoName(errno), operation, { kernelWords: kernelWords(message) });
}

/** NLMSGERR_ATTR_MSG of an extended acknowledgement. */
function kernelWords(message: Message): string | null {
  if (!(message.flags & NLM_F_ACK_TLVS)) return null;
  // errno, then the header of the request and, unless capped, its payload; with NLMSG_DONE only errno.
  let offset = 4;
  if (message.type === NLMSG_ERROR)
    offset += message.flags & NLM_F_CAPPED ? 16 : (message.payload.readUInt32LE(4) + 3) & ~3;
  let words: string | null = null;
  attributes(message.payload, offset, (type, value) => {
    if (type === NLMSGERR_ATTR_MSG) words = readText(value);
  });
  return words;
}
