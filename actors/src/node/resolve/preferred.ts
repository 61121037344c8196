/** Orders addresses of one host, as RFC 6724 would: those with a route first, then by its default policy. */
import { createSocket } from 'node:dgram';
import { isIPv4 } from 'node:net';

/** Precedence of a destination: RFC 6724, section 2.1. */
function precedence(address: string): number {
  const text = address.toLowerCase();
  if (isIPv4(text) || text.startsWith('::ffff:')) return 35;
  if (text === '::1') return 50;
  if (/^f[cd]/.test(text)) return 3;
  if (text.startsWith('2002:')) return 30;
  if (/^2001:0?0?0?0?:/.test(text)) return 5;
  return 40;
}

export async function preferred(
  addresses: readonly string[],
  routed: (address: string) => Promise<boolean> = hasRoute,
): Promise<readonly string[]> {
  if (addresses.length < 2) return addresses;
  const ranked = await Promise.all(
    addresses.map(async (address) => ({ address, rank: ((await routed(address)) ? 100 : 0) + precedence(address) })),
  );
  return ranked.toSorted((a, b) => b.rank - a.rank).map(({ address }) => address);
}

/** Whether the kernel knows a way there; connecting a UDP socket sends nothing. */
function hasRoute(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv4(address) ? 'udp4' : 'udp6');
    const done = (routed: boolean): void => {
      socket.close();
      resolve(routed);
    };
    // Not by a callback, which would be called for an error, too.
    socket.once('error', () => done(false));
    socket.once('connect', () => done(true));
    socket.connect(9, address);
  });
}
