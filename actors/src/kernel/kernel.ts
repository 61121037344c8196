/**
 * What the rest of the agent sees of a Linux kernel's network stack.
 *
 * Two implementations pass one suite (testing/kernel): the kernel of this machine (linux) and one in memory (testing/memory).
 * All text is canonical: IP addresses as RFC 5952 has them, keys as base64.
 */
import type { AttributedKind, Attributes, PlainKind } from './wire/kind/index.ts';
import type { NewPair } from './wire/kind/veth.ts';
import type { WireGuardAccess } from './wireguard/types.ts';

export type AddrGenMode = 'eui64' | 'none' | 'stable' | 'random';

/** A link as the kernel shows it. Plain JSON. */
export type Link = {
  index: number;
  name: string;
  /**
   * IFLA_INFO_KIND: 'bridge', 'veth', 'tun', …; '' for hardware and loopback. A tun that one of our `wireguard-go`
   * processes serves is shown as 'wireguard'.
   */
  kind: string;
  /** Admin state (IFF_UP). */
  up: boolean;
  /** Upper case without prefix, in the kernel's order of bits: 'UP', 'BROADCAST', 'RUNNING', 'LOWER_UP', … */
  flags: string[];
  /** 'up', 'down', 'unknown', 'lowerlayerdown', 'notpresent', 'testing', 'dormant'. */
  operState: string;
  mtu: number;
  alias: string | null;
  /** Index of the bridge or vrf (or other upper device) that it is enslaved to. */
  master: number | null;
  /** Lower-case hexadecimal with colons; null where the kind has none. */
  mac: string | null;
  /** Absent where IPv6 is not running on the link, as with an mtu below 1280. */
  addrGenMode?: AddrGenMode;
  group: number;
  /** Kernel's id for the netns in which `peerIndex` counts; null: this one. */
  linkNetnsId: number | null;
  /** IFLA_LINK: a veth's other end, the device below a vlan (a vxlan's is in `vxlan.link`). */
  peerIndex: number | null;
} & Partial<Attributes>;

export type AddressFlag =
  | 'permanent'
  | 'tentative'
  | 'dadFailed'
  | 'deprecated'
  | 'secondary'
  | 'temporary'
  | 'optimistic';

/**
 * An address of a link. The kernel identifies an address of a link by (family, local) for inet6 and by
 * (family, local, prefixlen, peer's network) for inet; so to change an inet6 prefixlen, peer or `noPrefixRoute`, remove before adding.
 */
export type KernelAddress = {
  family: 'inet' | 'inet6';
  local: string;
  /** null: none. The kernel does not distinguish a peer equal to `local` from none: that is null, too. */
  peer: string | null;
  /** Length of the peer's network where there is a peer, else of the local one. */
  prefixlen: number;
  /** IFA_F_NOPREFIXROUTE. */
  noPrefixRoute: boolean;
  /** As read from the kernel; ignored in requests. */
  flags?: readonly AddressFlag[];
};

type NewLinkBase = {
  name: string;
  mtu?: number;
  /** Lower-case hexadecimal with colons. Absent: the kernel chooses. */
  mac?: string;
  up?: boolean;
  /** Index of the device to enslave it to. */
  master?: number;
  /** Where the link appears; its birth netns (sockets, lower devices) stays the one it is asked of. */
  netns?: Netns;
};

export type NewLink = NewLinkBase & ({ kind: PlainKind } | AttributedKind | NewPair<Netns>);

/**
 * What to change of a link. Carried out in this order: everything else, then `up`, then `netns`. A move takes a link
 * down and drops its addresses; in the target netns it can have another index.
 */
export type LinkChange = {
  up?: boolean;
  mtu?: number;
  /** null or '': none. */
  alias?: string | null;
  name?: string;
  /** null: release. */
  master?: number | null;
  /** Passed over where IPv6 is not running on the link: it generates no address there. */
  addrGenMode?: AddrGenMode;
  /** All attributes of its kind, those that stay as they are too. The kernel refuses what it takes at birth only. */
  attributes?: AttributedKind;
  netns?: Netns;
};

export type NetnsChange =
  /** New, or changed in any field of `Link`. */
  | { type: 'link'; index: number; name: string }
  /** Deleted, or moved to another netns. A link of the same name that comes later has another index. */
  | { type: 'linkRemoved'; index: number; name: string }
  | { type: 'addresses'; index: number; name: string }
  /** The cache was read again; the changes before this one reported each difference. */
  | { type: 'resync' }
  /** No path leads to this netns any more. The object is closed; open a path again. */
  | { type: 'lost'; reason: string };

/**
 * A network namespace: a cache of links and addresses that follows the kernel's notifications, and requests to change them.
 * The kernel sends no notification when another program changes alias or address generation of a link that is down: use `resync`.
 * Requests reject with `KernelError`. When one resolves, the kernel has done it; the cache shows it after `barrier()`.
 */
export interface Netns {
  /** nsfs inode as decimal text: equal for all paths to the same netns. */
  readonly id: string;
  links(): Iterable<Link>;
  link(name: string): Link | undefined;
  linkAt(index: number): Link | undefined;
  addresses(index: number): readonly KernelAddress[];
  /** Resolves when every notification that the kernel queued before this call has been folded into the cache. */
  barrier(): Promise<void>;
  /** Reads one link again, which is in the cache when it resolves: the kernel notifies late that a link got carrier. */
  reread(index: number): Promise<void>;
  /** Reads everything again and reports differences as changes. */
  resync(): Promise<void>;
  /** Listeners are called after the cache changed, in the kernel's order; what they throw is reported and dropped. */
  subscribe(listener: (change: NetnsChange) => void): () => void;
  createLink(link: NewLink): Promise<void>;
  changeLink(index: number, change: LinkChange): Promise<void>;
  deleteLink(index: number): Promise<void>;
  /** EEXIST where it is there. Turns IPv6 on for this one link where the netns has it off (as containers do). */
  addAddress(index: number, address: KernelAddress): Promise<void>;
  /** EADDRNOTAVAIL where it is not there. */
  removeAddress(index: number, address: KernelAddress): Promise<void>;
  readonly wireguard: WireGuardAccess;
  /** Whether the address answers one ICMP echo from here within a second. RangeError on a malformed address. */
  reaches(ip: string): Promise<boolean>;
  /** Gives this use of the netns back; the last use closes its sockets. Links stay. */
  close(): void;
}

export interface Kernel {
  /**
   * Opens a netns by a path: '/proc/self/ns/net', '/run/netns/NAME', '/proc/PID/ns/net'. Its cache is filled when this
   * resolves. Paths to one netns share one object: close it as often as you opened it. ENOENT if the path does not exist.
   */
  open(path: string): Promise<Netns>;
  /** Closes every netns. Links, and processes that serve them, stay. */
  close(): Promise<void>;
}
