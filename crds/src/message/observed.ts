import type { Slot } from './event.ts';
import type { KindAttributes } from '../schema/kind/index.ts';

/** An address on a link. `local` and `peer` in canonical text (RFC 5952), no prefix; `prefixlen` in bits. */
export type Address = {
  family: 'inet' | 'inet6';
  local: string;
  peer: string | null;
  prefixlen: number;
  noPrefixRoute: boolean;
};

export type ObservedPeer = {
  publicKey: string;
  /** Fingerprint, never the key. */
  presharedKey: string | null;
  /** `host:port`, IPv6 in brackets. */
  endpoint: string | null;
  persistentKeepalive: number;
  allowedIPs: readonly string[];
  /** The spec's endpoint is to be written over the kernel's, which is unreachable; absent: it is not. */
  stale?: true;
};

export type ObservedWireGuard = {
  publicKey: string | null;
  listenPort: number;
  fwmark: number;
  peers: readonly ObservedPeer[];
};

/** The part of a link that the actor's decisions use. Counters, carrier and handshakes are left out: they would fill the log. */
export type ObservedLink = {
  index: number;
  name: string;
  kind: string;
  up: boolean;
  mtu: number;
  alias: string | null;
  addrGenMode: string | null;
  addresses: readonly Address[];
  /** IPv6 addresses under duplicate address detection, not in use yet, on a link with carrier; absent: none. */
  tentative?: readonly string[];
  /** IPv6 addresses that the kernel does not use, because another host on the link has them; absent: none. */
  duplicate?: readonly string[];
  /** Names of the links enslaved to this one; absent where its kind has none. */
  slaves?: readonly string[];
  /** Index of the far end, in its own netns; absent where its kind has none. */
  peerIndex?: number | null;
  wireguard?: ObservedWireGuard;
} & Partial<KindAttributes>;

/** The observed state of one interface. */
export type Observed = {
  links: { readonly [S in Slot]?: ObservedLink | null };
  /** Links with this interface's mark in a netns where none belongs; `netns` is the inode. */
  strays: readonly { netns: string; index: number; name: string }[];
  /** Whether each device in the spec (slaves, the lower device) exists in the target netns. */
  devices: { readonly [name: string]: boolean };
  /** Those of them that are down and keep the interface down; absent: none. */
  down?: readonly string[];
  /** Slaves in the spec that are enslaved to the link `master` of another resource (`owner`, its display name); absent: none. */
  taken?: { readonly [slave: string]: { readonly master: string; readonly owner: string } };
};

/** One difference: `field` as in the spec or in `ip`, values as they are printed. */
export type Drift = { field: string; wanted: unknown; found: unknown };
