/** WireGuard devices, the same for the kernel's generic netlink and for wireguard-go's socket. */
import type { SocketAddress } from '@ifactor/common/ip';

/** The host of an endpoint is an IP address (with `%scope` where link-local), never a DNS name. */
export type KernelPeer = {
  /** base64 of 32 bytes. */
  publicKey: string;
  /** 32 bytes; null: none. Secret. */
  presharedKey: Buffer | null;
  /** null: neither configured nor learned. */
  endpoint: SocketAddress | null;
  /** Seconds; 0: off. */
  persistentKeepalive: number;
  /** Milliseconds since 1970; null: never. */
  lastHandshakeTime: number | null;
  rxBytes: number;
  txBytes: number;
  /** 'IP/LEN', network bits only, in the device's order. */
  allowedIPs: string[];
};

export type WireGuardDevice = {
  /** 32 bytes; null: none. Secret. */
  privateKey: Buffer | null;
  /** base64; null while there is no private key. */
  publicKey: string | null;
  /** UDP; 0: not chosen yet. */
  listenPort: number;
  /** 0: none. */
  fwmark: number;
  peers: KernelPeer[];
};

/**
 * Entries are applied in order. An endpoint cannot be taken from a peer: list the peer with `remove`, then again without.
 * An absent field stays as it is (of a new peer: none).
 */
export type WireGuardPeerChange = {
  publicKey: string;
  remove?: boolean;
  /** Does nothing where the peer does not exist. */
  updateOnly?: boolean;
  /** null: none. */
  presharedKey?: Buffer | null;
  endpoint?: SocketAddress;
  /** 0: off. */
  persistentKeepalive?: number;
  /** `allowedIPs` are the whole list, not an addition. */
  replaceAllowedIPs?: boolean;
  allowedIPs?: readonly string[];
};

/** Only what is listed changes: peers that are not listed stay. */
export type WireGuardChange = {
  /** null: none. */
  privateKey?: Buffer | null;
  listenPort?: number;
  fwmark?: number;
  peers?: readonly WireGuardPeerChange[];
};

/** WireGuard interfaces of a netns by name. ENODEV where there is no such link, EOPNOTSUPP where it is of another kind. */
export interface WireGuardAccess {
  get(name: string): Promise<WireGuardDevice>;
  set(name: string, change: WireGuardChange): Promise<void>;
}
