/** A netlink socket that lives in a netns of our choice. */
import { readdirSync } from 'node:fs';
import { RawNetlinkSocket } from 'netlink';
import { inNetns, netlinkPort, setSocketOption } from './libc.ts';

export const NETLINK_ROUTE = 0;
export const NETLINK_GENERIC = 16;

const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;

export type SocketHandlers = {
  /** One datagram: one or more messages. May throw: then `broken` hears of it. */
  receive(data: Buffer): void;
  /** ENOBUFS: the receive buffer ran over and messages were lost; the socket goes on. */
  broken(error: Error & { code?: string }): void;
};

export type Socket = {
  readonly port: number;
  /** Sends in one system call; the kernel has carried the messages out when this returns. Throws never: see `broken`. */
  send(messages: Buffer[]): void;
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
  fd: number, protocol: number, handlers: SocketHandlers, options: { groups?: number[]; receiveBuffer?: number } = {},
): Socket {
  const raw = inNetns(fd, () => new RawNetlinkSocket(protocol));
  const own = descriptor(raw);
  if (own !== undefined) {
    known.add(own);
    setSocketOption(own, SOL_NETLINK, NETLINK_EXT_ACK, 1);
    setSocketOption(own, SOL_NETLINK, NETLINK_CAP_ACK, 1);
    if (options.receiveBuffer) setSocketOption(own, SOL_SOCKET, SO_RCVBUFFORCE, options.receiveBuffer);
  }
  let closed = false;
  // An exception in here would abort the process, as would an 'error' event that nobody hears.
  const guard = (body: () => void): void => {
    if (closed) return;
    try {
      body();
    } catch (cause) {
      handlers.broken(cause instanceof Error ? cause : new Error(String(cause)));
    }
  };
  raw.on('error', (error) => guard(() => handlers.broken(error)));
  raw.on('truncatedMessage', () => guard(() => handlers.broken(new Error('a netlink message was cut off'))));
  raw.on('message', (data) => guard(() => handlers.receive(data)));
  for (const group of options.groups ?? []) raw.addMembership(group);
  raw.unref();
  return {
    port: raw.address().port,
    send: (messages) => guard(() => raw.send(messages, {}, (error) => error && guard(() => handlers.broken(error)))),
    keepAlive: (on) => guard(() => (on ? raw.ref() : raw.unref())),
    close() {
      if (closed) return;
      closed = true;
      // The package crashes when a socket is closed from inside its own callbacks.
      setImmediate(() => {
        if (own !== undefined) known.delete(own);
        raw.close();
      });
    },
  };
}

/** Descriptors of our open sockets. A port is unique in one netns only, so looking for a port alone could find another's. */
const known = new Set<number>();

/** The package does not tell the descriptor, without which options cannot be set. */
function descriptor(raw: RawNetlinkSocket): number | undefined {
  const port = raw.address().port >>> 0;
  return readdirSync('/proc/self/fd').map(Number).find((fd) => !known.has(fd) && netlinkPort(fd) === port);
}
