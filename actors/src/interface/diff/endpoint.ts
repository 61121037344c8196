import { canonicalIp, isIp, printSocketAddress } from '@ifactor/common/ip';
import type { SocketAddress } from '@ifactor/common/ip';

/** An endpoint of a spec, which has passed its schema; `named`: the host is a DNS name. */
export function readEndpoint(endpoint: string): SocketAddress & { named: boolean } {
  const colon = endpoint.lastIndexOf(':');
  const host = endpoint.startsWith('[') ? endpoint.slice(1, colon - 1) : endpoint.slice(0, colon);
  return { host, port: Number(endpoint.slice(colon + 1)), named: !isIp(host) };
}

/** What the agent keeps about a peer between two observations; times in milliseconds since 1970. */
export type Remembered = {
  /** The kernel's endpoint, and since when it has been this one. */
  found: string | null;
  since: number;
  /** Bytes at that time, and at the last look. */
  rxSince: number;
  txSince: number;
  rx: number;
  /** Whether it changed without a packet from the peer, so another program set it. Null: unchanged since the first look. */
  edited: boolean | null;
  /** When the host name was last looked up. */
  asked: number;
  /** All endpoints that the host name resolved to then; null: not looked up yet, or acted on. */
  named: readonly string[] | null;
  /** Looked up because the host's addresses changed: a recent handshake may have used the former ones. */
  moved: boolean;
};

/** A peer as a look shows it. */
export type Look = { found: string | null; lastHandshakeTime: number | null; rxBytes: number; txBytes: number };

export function remember(before: Remembered | undefined, look: Look, now: number): Remembered {
  const { found, rxBytes, txBytes } = look;
  if (before?.found === found) return { ...before, rx: rxBytes };
  const edited = before === undefined ? null : before.rx === rxBytes;
  const asked = before?.asked ?? now;
  return {
    found,
    since: now,
    rxSince: rxBytes,
    txSince: txBytes,
    rx: rxBytes,
    edited,
    asked,
    named: null,
    moved: false,
  };
}

/** The spec's endpoint as last written, in the kernel's form; null if unknown. */
export function writtenEndpoint(endpoint: string, resolved: string | undefined): string | null {
  const { host, port, named } = readEndpoint(endpoint);
  if (named) return resolved ?? null;
  const [ip, ...zone] = host.split('%');
  return printSocketAddress({ host: [canonicalIp(ip!), ...zone].join('%'), port });
}

/**
 * Whether the spec's endpoint is to be written over the kernel's. Never while handshakes come by the kernel's, and never over one
 * that was learned by roaming, unless the peer does not answer there. `quiet`: milliseconds without a handshake after which that is assumed.
 */
export function isStaleEndpoint(
  peer: Remembered,
  look: Look,
  written: string | null,
  now: number,
  quiet: number,
): boolean {
  const { found, rxBytes, txBytes } = look;
  const never = Number.NEGATIVE_INFINITY;
  const shaken = look.lastHandshakeTime ?? never;
  if (found === null) return false;
  const recent = now - shaken < quiet;
  const elsewhere = peer.named !== null && [found, written].every((one) => !peer.named?.some((named) => named === one));
  if (elsewhere && (!recent || (peer.moved && found === written))) return true;
  if (recent || written === null || found === written || now - peer.since < quiet) return false;
  if (shaken >= peer.since) return false;
  const inVain = txBytes > peer.txSince && rxBytes === peer.rxSince;
  return peer.edited === true || shaken === never || inVain;
}

/** Whether to look up the host name again: no handshake and no lookup for `quiet` milliseconds. */
export const isDue = (peer: Remembered, { lastHandshakeTime }: Look, now: number, quiet: number): boolean =>
  now - Math.max(lastHandshakeTime ?? 0, peer.since, peer.asked) >= quiet;
