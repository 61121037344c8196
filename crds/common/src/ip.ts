/** IP addresses between text and bytes. Output text is canonical (RFC 5952). */
import { isIP } from 'node:net';

export const AF_INET = 2;
export const AF_INET6 = 10;

/** 4 or 16 bytes; undefined if it is no IP address. A zone (`%eth0`) is not accepted. */
export function parseIp(value: string): Buffer | undefined {
  switch (isIP(value)) {
    case 4:
      return Buffer.from(value.split('.').map(Number));
    case 6:
      return value.includes('%') ? undefined : parse6(value);
    default:
      return undefined;
  }
}

/** As `parseIp`, but throws a RangeError if it is no IP address. */
export function ipBytes(value: string): Buffer {
  const bytes = parseIp(value);
  if (!bytes) throw new RangeError(`${JSON.stringify(value)} is no IP address`);
  return bytes;
}

/** Canonical text of 4 or 16 bytes. */
export function formatIp(bytes: Uint8Array): string {
  return bytes.length === 4 ? bytes.join('.') : format6(bytes);
}

/** Canonical text of an address given as text; throws as `ipBytes`. */
export function canonicalIp(value: string): string {
  return formatIp(ipBytes(value));
}

/** Canonical 'IP/LEN' with the host bits cleared; a missing length means one address. Throws RangeError. */
export function canonicalNetwork(value: string): string {
  const [ip = '', length] = value.split('/');
  const bytes = ipBytes(ip);
  const prefixlen = length === undefined ? bytes.length * 8 : Number(length);
  if (!Number.isInteger(prefixlen) || prefixlen < 0 || prefixlen > bytes.length * 8 || length === '') {
    throw new RangeError(`${JSON.stringify(value)} has no valid prefix length`);
  }
  return `${formatIp(masked(bytes, prefixlen))}/${prefixlen}`;
}

/** Whether a text is an IP address, without a zone. */
export const isIp = (value: string): boolean => isIP(value) !== 0;

/** An address and a port of a transport protocol. */
export type SocketAddress = { host: string; port: number };

/** `host:port`, an IPv6 address in brackets. */
export const printSocketAddress = ({ host, port }: SocketAddress): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;

/** A copy with all bits after `prefixlen` cleared. */
export function masked(bytes: Uint8Array, prefixlen: number): Buffer {
  const copy = Buffer.from(bytes);
  for (let index = 0; index < copy.length; index++) {
    const keep = Math.min(8, Math.max(0, prefixlen - 8 * index));
    copy[index] = copy[index]! & (0xff << (8 - keep));
  }
  return copy;
}

function parse6(value: string): Buffer {
  const bytes = Buffer.alloc(16);
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(value);
  if (dotted) {
    const [a, b, c, d] = dotted[2]!.split('.').map(Number);
    value = `${dotted[1]}${((a! << 8) | b!).toString(16)}:${((c! << 8) | d!).toString(16)}`;
  }
  const [head = '', tail] = value.split('::');
  parseWords(head).forEach((word, index) => bytes.writeUInt16BE(word, 2 * index));
  const last = parseWords(tail ?? '');
  last.forEach((word, index) => bytes.writeUInt16BE(word, 16 - 2 * (last.length - index)));
  return bytes;
}

function format6(bytes: Uint8Array): string {
  const words = Array.from({ length: 8 }, (_, index) => (bytes[2 * index]! << 8) | bytes[2 * index + 1]!);
  if (words.slice(0, 5).every((word) => word === 0) && words[5] === 0xffff)
    return `::ffff:${bytes.slice(12).join('.')}`;
  let start = -1;
  let longest = 1;
  for (let index = 0; index < 8; index++) {
    let end = index;
    while (end < 8 && words[end] === 0) end++;
    if (end - index > longest) [start, longest] = [index, end - index];
  }
  return start < 0
    ? formatWords(words)
    : `${formatWords(words.slice(0, start))}::${formatWords(words.slice(start + longest))}`;
}

function parseWords(part: string): number[] {
  return part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16));
}

function formatWords(words: number[]): string {
  return words.map((word) => word.toString(16)).join(':');
}
