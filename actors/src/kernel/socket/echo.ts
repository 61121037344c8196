/**
 * ICMP echo without a `ping` program: raw sockets by libc, since Node has none. Needs CAP_NET_RAW. RFC 792, RFC 4443.
 */
import { closeSync } from 'node:fs';
import koffi from 'koffi';
import { sleep, systemClock } from '@ifactor/common';
import type { Clock } from '@ifactor/common';
import { AF_INET, AF_INET6, ipBytes } from '@ifactor/common/ip';
import { inNetns } from './libc.ts';

const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const IPPROTO_ICMP = 1;
const IPPROTO_ICMPV6 = 58;
const MSG_DONTWAIT = 0x40;
const kinds = {
  4: { family: AF_INET, protocol: IPPROTO_ICMP, request: 8, reply: 0 },
  6: { family: AF_INET6, protocol: IPPROTO_ICMPV6, request: 128, reply: 129 },
} as const;

const libc = koffi.load(null);
const socket = libc.func('int socket(int domain, int type, int protocol)') as (
  domain: number,
  type: number,
  protocol: number,
) => number;
const connect = libc.func('int connect(int fd, void *address, uint32_t length)') as (
  fd: number,
  address: Buffer,
  length: number,
) => number;
const send = libc.func('long send(int fd, void *data, size_t length, int flags)') as (
  fd: number,
  data: Buffer,
  length: number,
  flags: number,
) => number;
const recv = libc.func('long recv(int fd, void *data, size_t length, int flags)') as (
  fd: number,
  data: Buffer,
  length: number,
  flags: number,
) => number;

/** Node cannot wait on a descriptor of this kind, so it is read so often. */
const readEveryMs = 5;
let sequence = 0;

/**
 * Whether an address answers one echo request within so many milliseconds, sent from the netns that `fd` is open on. False, too,
 * without a route.
 */
export async function echo(fd: number, ip: string, milliseconds: number, clock: Clock = systemClock): Promise<boolean> {
  const bytes = ipBytes(ip);
  const kind = kinds[bytes.length === 4 ? 4 : 6];
  const own = inNetns(fd, () => socket(kind.family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, kind.protocol));
  if (own < 0) return false;
  try {
    const address = socketAddress(kind.family, bytes);
    const request = echoRequest(kind.request);
    if (connect(own, address, address.length) !== 0) return false;
    if (send(own, request, request.length, 0) !== request.length) return false;
    return await answered(
      own,
      (data) => {
        // A raw IPv4 socket shows the IP header, an IPv6 one does not.
        const icmp = kind.family === AF_INET ? data.subarray((data.readUInt8(0) & 15) * 4) : data;
        return (
          icmp.length >= 8 && icmp.readUInt8(0) === kind.reply && icmp.subarray(4, 8).equals(request.subarray(4, 8))
        );
      },
      milliseconds,
      clock,
    );
  } finally {
    closeSync(own);
  }
}

async function answered(
  fd: number,
  fits: (data: Buffer) => boolean,
  milliseconds: number,
  clock: Clock,
): Promise<boolean> {
  const until = clock.monotonic() + milliseconds;
  const data = Buffer.alloc(2048);
  for (;;) {
    const length = recv(fd, data, data.length, MSG_DONTWAIT);
    if (length > 0 && fits(data.subarray(0, length))) return true;
    if (length > 0) continue;
    if (clock.monotonic() >= until) return false;
    await sleep(clock, readEveryMs);
  }
}

/** Identifier and sequence distinguish this reply from those to other requests and programs. */
function echoRequest(type: number): Buffer {
  const message = Buffer.alloc(16);
  sequence = (sequence + 1) & 0xffff;
  message.writeUInt8(type, 0);
  message.writeUInt16BE(process.pid & 0xffff, 4);
  message.writeUInt16BE(sequence, 6);
  message.writeUInt16BE(checksum(message), 2);
  return message;
}

/** RFC 1071. Of ICMPv6 the kernel writes its own over it. */
function checksum(data: Buffer): number {
  let sum = 0;
  for (let at = 0; at < data.length; at += 2) sum += data.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** struct sockaddr_in, struct sockaddr_in6. */
function socketAddress(family: number, ip: Buffer): Buffer {
  const address = Buffer.alloc(family === AF_INET ? 16 : 28);
  address.writeUInt16LE(family, 0);
  ip.copy(address, family === AF_INET ? 4 : 8);
  return address;
}
