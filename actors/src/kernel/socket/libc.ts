/** The few system calls that Node does not offer, by koffi. Unless said otherwise on the calling thread. */
import { closeSync, openSync } from 'node:fs';
import koffi from 'koffi';
import { KernelError } from '../error.ts';
import { errnoName } from './errno.ts';

const CLONE_NEWNET = 0x40000000;

const libc = koffi.load(null);
const setns = libc.func('int setns(int fd, int type)') as (fd: number, type: number) => number;
const setsockopt = libc.func('int setsockopt(int fd, int level, int name, void *value, uint32_t length)') as (
  fd: number,
  level: number,
  name: number,
  value: Buffer,
  length: number,
) => number;
const getsockopt = libc.func('int getsockopt(int fd, int level, int name, void *value, _Inout_ uint32_t *length)') as (
  fd: number,
  level: number,
  name: number,
  value: Buffer,
  length: [number],
) => number;
const getsockname = libc.func('int getsockname(int fd, void *address, _Inout_ uint32_t *length)') as (
  fd: number,
  address: Buffer,
  length: [number],
) => number;

const connect = libc.func('int connect(int fd, void *address, uint32_t length)') as (
  fd: number,
  address: Buffer,
  length: number,
) => number;

const AF_NETLINK = 16;

/**
 * Connects a netlink socket to the kernel's port (0): the kernel then refuses what other sockets send to its port (ECONNREFUSED there),
 * so that it never fills the receive buffer. What they send to a multicast group still arrives, with their port as sender.
 */
export function acceptOnlyFromKernel(fd: number): boolean {
  const kernel = Buffer.alloc(12); // struct sockaddr_nl
  kernel.writeUInt16LE(AF_NETLINK, 0);
  return connect(fd, kernel, kernel.length) === 0;
}

const send = libc.func('long send(int fd, void *data, size_t length, int flags)');

/**
 * `send(2)` on another thread: it can take the kernel seconds to get to a request. The descriptor must stay open until it ends.
 */
export function sendAside(fd: number, data: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    send.async(fd, data, data.length, 0, (error: Error | null, result: number) => {
      if (error) reject(error);
      else if (result < 0) reject(new Error('the kernel did not accept the request'));
      else resolve();
    });
  });
}

/** False where the kernel refuses the option. */
export function setSocketOption(fd: number, level: number, name: number, value: number): boolean {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return setsockopt(fd, level, name, bytes, bytes.length) === 0;
}

const SOL_SOCKET = 1;
const SO_MEMINFO = 55;
/** Where the count stands in what SO_MEMINFO gives (SK_MEMINFO_DROPS, linux/sock_diag.h). */
const dropsAt = 8 * 4;
const memory = Buffer.alloc(9 * 4);

/** How many messages the kernel has thrown away because the socket's receive buffer was full, modulo 2³². */
export function droppedBy(fd: number): number {
  return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, [memory.length]) === 0 ? memory.readUInt32LE(dropsAt) : 0;
}

/** The port that a netlink socket is bound to; undefined where the descriptor is no netlink socket. */
export function netlinkPort(fd: number): number | undefined {
  const address = Buffer.alloc(12); // struct sockaddr_nl
  if (getsockname(fd, address, [address.length]) !== 0 || address.readUInt16LE(0) !== AF_NETLINK) return undefined;
  return address.readUInt32LE(4);
}

/**
 * Runs `body` with this thread inside the netns that `fd` is open on, and comes back.
 * `body` must be synchronous: what it starts to wait for would go on in the wrong netns. A process that cannot come back
 * is aborted, since all it did from then on would hit the wrong netns.
 */
export function inNetns<T>(fd: number, body: () => T extends Promise<unknown> ? never : T): T {
  const home = openSync('/proc/thread-self/ns/net', 'r');
  try {
    if (setns(fd, CLONE_NEWNET) !== 0) throw new KernelError(errnoName(koffi.errno()), 'enter the network namespace');
    try {
      return body();
    } finally {
      if (setns(home, CLONE_NEWNET) !== 0) {
        process.stderr.write(`cannot return to the agent's network namespace: ${errnoName(koffi.errno())}; aborting\n`);
        process.abort();
      }
    }
  } finally {
    closeSync(home);
  }
}
