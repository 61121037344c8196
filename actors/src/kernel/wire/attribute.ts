/**
 * Netlink's own framing: messages (struct nlmsghdr) and attributes (struct nlattr), both padded to 4 bytes.
 * Little-endian hosts only, which is every machine that the netlink package has a build for.
 */

export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;

const NLM_F_REQUEST = 0x001;
export const NLM_F_ACK = 0x004;
export const NLM_F_DUMP_INTR = 0x010;
export const NLM_F_CAPPED = 0x100;
export const NLM_F_ACK_TLVS = 0x200;
/** NLM_F_ROOT | NLM_F_MATCH */
export const NLM_F_DUMP = 0x300;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;

const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;
const headerLength = 16;

export type Message = {
  type: number;
  flags: number;
  seq: number;
  /** Port of the requesting socket; 0: a notification by the kernel. */
  port: number;
  /** A view, not a copy. */
  payload: Buffer;
};

/** Splits what one receive gave. A torn last message (never seen) is dropped. */
export function* messages(data: Buffer): Generator<Message> {
  let offset = 0;
  while (offset + headerLength <= data.length) {
    const length = data.readUInt32LE(offset);
    if (length < headerLength || offset + length > data.length) return;
    yield {
      type: data.readUInt16LE(offset + 4),
      flags: data.readUInt16LE(offset + 6),
      seq: data.readUInt32LE(offset + 8),
      port: data.readUInt32LE(offset + 12),
      payload: data.subarray(offset + headerLength, offset + length),
    };
    offset += (length + 3) & ~3;
  }
}

/** Calls `each` for every attribute from `offset` on; `value` is a view. A torn attribute ends the walk. */
export function attributes(data: Buffer, offset: number, each: (type: number, value: Buffer) => void): void {
  while (offset + 4 <= data.length) {
    const length = data.readUInt16LE(offset);
    if (length < 4 || offset + length > data.length) return;
    each(data.readUInt16LE(offset + 2) & NLA_TYPE_MASK, data.subarray(offset + 4, offset + length));
    offset += (length + 3) & ~3;
  }
}

/** A string attribute without its terminating zero. */
export function readText(value: Buffer): string {
  const end = value.indexOf(0);
  return value.toString('utf8', 0, end < 0 ? value.length : end);
}

/** Builds one message. `finish` gives the bytes; the sender fills in sequence number and port. */
export class MessageWriter {
  #data: Buffer;
  #length = headerLength;

  constructor(type: number, flags: number, size = 512) {
    this.#data = Buffer.alloc(size);
    this.#data.writeUInt16LE(type, 4);
    this.#data.writeUInt16LE(flags | NLM_F_REQUEST, 6);
  }

  /** Bytes so far. */
  get length(): number {
    return this.#length;
  }

  /** The fixed header of a message family, as it is. */
  raw(bytes: ArrayLike<number>): this {
    this.#reserve(bytes.length);
    this.#data.set(bytes, this.#length);
    this.#length += (bytes.length + 3) & ~3;
    return this;
  }

  bytes(type: number, value: Uint8Array): this {
    this.#begin(type, value.length);
    this.#data.set(value, this.#length - ((value.length + 3) & ~3));
    return this;
  }

  text(type: number, value: string): this {
    const size = Buffer.byteLength(value) + 1;
    this.#begin(type, size);
    this.#data.write(value, this.#length - ((size + 3) & ~3));
    return this;
  }

  u8(type: number, value: number): this {
    this.#begin(type, 1);
    this.#data.writeUInt8(value, this.#length - 4);
    return this;
  }

  u16(type: number, value: number): this {
    this.#begin(type, 2);
    this.#data.writeUInt16LE(value, this.#length - 4);
    return this;
  }

  u16be(type: number, value: number): this {
    this.#begin(type, 2);
    this.#data.writeUInt16BE(value, this.#length - 4);
    return this;
  }

  u32(type: number, value: number): this {
    this.#begin(type, 4);
    this.#data.writeUInt32LE(value, this.#length - 4);
    return this;
  }

  nest(type: number, fill: (writer: this) => void): this {
    const start = this.#length;
    this.#begin(type | NLA_F_NESTED, 0);
    fill(this);
    this.#data.writeUInt16LE(this.#length - start, start);
    return this;
  }

  finish(): Buffer {
    this.#data.writeUInt32LE(this.#length, 0);
    return this.#data.subarray(0, this.#length);
  }

  #begin(type: number, size: number): void {
    this.#reserve(size + 4);
    this.#data.writeUInt16LE(size + 4, this.#length);
    this.#data.writeUInt16LE(type, this.#length + 2);
    this.#length += 4 + ((size + 3) & ~3);
  }

  #reserve(size: number): void {
    const needed = this.#length + ((size + 3) & ~3);
    if (needed <= this.#data.length) return;
    const grown = Buffer.alloc(Math.max(needed, 2 * this.#data.length));
    this.#data.copy(grown, 0, 0, this.#length);
    this.#data = grown;
  }
}

/** Fills in what the sender knows. */
export function address(message: Buffer, seq: number, port: number): void {
  message.writeUInt32LE(seq, 8);
  message.writeUInt32LE(port, 12);
}
