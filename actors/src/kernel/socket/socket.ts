/** A netlink socket in a given netns. */
import { readdirSync } from 'node:fs';
import { every } from '@ifactor/common';
import type { Clock } from '@ifactor/common';
// The package's index would load clients for four families, which are not used.
import { RawNetlinkSocket } from 'netlink/dist/raw.js';
import { acceptOnlyFromKernel, droppedBy, inNetns, netlinkPort, sendAside, setSocketOption } from './libc.ts';

export const NETLINK_ROUTE = 0;
export const NETLINK_GENERIC = 16;

const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const NETLINK_NO_ENOBUFS = 5;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;

/**
 * The sender of what the kernel sends. Whoever has CAP_NET_ADMIN in a netns (the root of a container) can send to the ports and groups
 * there, too: that is not read.
 */
const kernelPort = 0;

/** Between two looks at what a socket has lost, where no message leads to one. */
const lookEveryMs = 5000;

export type SocketHandlers = {
  /** One datagram from the kernel: one or more messages. May throw: the error is passed to `broken`. */
  receive(data: Buffer): void;
  /** ENOBUFS: the receive buffer ran over and messages were lost; the socket goes on. */
  broken(error: Error & { code?: string }): void;
};

export type Socket = {
  readonly port: number;
  /**
   * Sends in one system call, which returns when the kernel has executed the messages. Never throws: see `broken`.
   * @param slow it takes the kernel long: let another thread wait for it. Never a dump: where one thread asks for it while another
   *   reads, the reader can ask for more of a dump that has just ended, and the kernel answers with EINVAL on the socket.
   */
  send(messages: Buffer[], slow?: boolean): void;
  /** Whether waiting on this socket keeps the process alive; it does not at first. */
  keepAlive(on: boolean): void;
  /** Safe to call from inside the handlers. */
  close(): void;
};

/**
 * Opens a socket inside the netns of `fd`, joined to `groups`. The kernel is asked for its own words in errors.
 * @param receiveBuffer bytes; beyond the system's limit where we may (CAP_NET_ADMIN).
 */
export function openSocket(
  fd: number,
  protocol: number,
  handlers: SocketHandlers,
  clock: Clock,
  options: { groups?: number[]; receiveBuffer?: number } = {},
): Socket {
  const raw = inNetns(fd, () => new RawNetlinkSocket(protocol));
  const own = descriptor(raw);
  if (own !== undefined) {
    known.add(own);
    setSocketOption(own, SOL_NETLINK, NETLINK_EXT_ACK, 1);
    setSocketOption(own, SOL_NETLINK, NETLINK_CAP_ACK, 1);
    // An error that is pending when the event loop polls the socket makes the package abort the process. So the kernel only
    // counts what it drops, and the count is looked at with each message: behind a loss there are always some still to be read.
    setSocketOption(own, SOL_NETLINK, NETLINK_NO_ENOBUFS, 1);
    acceptOnlyFromKernel(own);
    if (options.receiveBuffer) setSocketOption(own, SOL_SOCKET, SO_RCVBUFFORCE, options.receiveBuffer);
  }
  let closed = false;
  let sending: Promise<void> = Promise.resolve();
  // An exception in here would abort the process, as would an 'error' event without a listener.
  const guard = (body: () => void): void => {
    if (closed) return;
    try {
      body();
    } catch (cause) {
      handlers.broken(cause instanceof Error ? cause : new Error(String(cause)));
    }
  };
  raw.on('error', (error) => guard(() => handlers.broken(error)));
  raw.on('truncatedMessage', (_data, sender) =>
    guard(() => {
      if (sender.port === kernelPort) handlers.broken(new Error('a netlink message was truncated'));
    }),
  );
  let dropped = 0;
  const count = (): void => {
    const before = dropped;
    if (own !== undefined) dropped = droppedBy(own);
    if (dropped !== before)
      handlers.broken(
        Object.assign(new Error('the receive buffer of a netlink socket overflowed'), { code: 'ENOBUFS' }),
      );
  };
  raw.on('message', (data, sender) =>
    guard(() => {
      if (sender.port === kernelPort) handlers.receive(data);
      count();
    }),
  );
  // No later message follows one that the kernel had no memory for, so poll as well.
  const endLooking = every(clock, lookEveryMs, () => guard(count));
  for (const group of options.groups ?? []) raw.addMembership(group);
  raw.unref();
  return {
    port: raw.address().port,
    send(messages, slow = false) {
      const here = (): void =>
        guard(() => raw.send(messages, {}, (error) => error && guard(() => handlers.broken(error))));
      if (own === undefined || (!slow && waiting === 0)) {
        here();
      } else {
        sending = inTurn(async () => {
          if (closed) return;
          if (slow) await sendAside(own, Buffer.concat(messages));
          else here();
        }).catch((error: Error) => guard(() => handlers.broken(error)));
      }
    },
    keepAlive: (on) => guard(() => (on ? raw.ref() : raw.unref())),
    close() {
      if (closed) return;
      closed = true;
      endLooking();
      // The package crashes when a socket is closed from inside its own callbacks.
      void sending.finally(() =>
        setImmediate(() => {
          if (own !== undefined) known.delete(own);
          raw.close();
        }),
      );
    },
  };
}

/**
 * The kernel does one thing at a time, whatever the netns: while one of our threads waits for it, the others would wait as well, and
 * the main one must not. So later sends are queued, and sent by the main thread when nothing is waited for.
 */
let last: Promise<unknown> = Promise.resolve();
let waiting = 0;

async function inTurn(act: () => Promise<void>): Promise<void> {
  waiting++;
  const before = last;
  const done = Promise.withResolvers<void>();
  last = done.promise;
  try {
    await before;
    await act();
  } finally {
    waiting--;
    done.resolve();
  }
}

/** Descriptors of our open sockets. A port is unique in one netns only, so looking for a port alone could find another's. */
const known = new Set<number>();

/** The package does not expose the descriptor, which setting socket options requires. */
function descriptor(raw: RawNetlinkSocket): number | undefined {
  const port = raw.address().port >>> 0;
  return readdirSync('/proc/self/fd')
    .map(Number)
    .find((fd) => !known.has(fd) && netlinkPort(fd) === port);
}
