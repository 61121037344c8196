/**
 * The truth of the kernel in memory: what links and addresses there are, and the rules by which Linux changes them.
 * Synchronous; each change is sent to the followers of the netns.
 */
import { sameAddress, type Notification } from '../../kernel/linux/cache.ts';
import { KernelError } from '../../kernel/error.ts';
import { formatIp } from '@ifactor/common/ip';
import { moduleOf } from '../../kernel/wire/kind/index.ts';
import type { KernelAddress, Link, LinkChange, NewLink } from '../../kernel/kernel.ts';
import { newDevice } from '../../kernel/wireguard/codec.ts';
import { encoded } from '../../kernel/wireguard/netlink.ts';
import type { WireGuardDevice } from '../../kernel/wireguard/types.ts';
import {
  attributesFor,
  below,
  changedAttributes,
  checkAttributes,
  checkUp,
  flagsOf,
  hasMac,
  leaveLower,
} from './kinds.ts';
import { blank, checked, checkMaster, checkMtu, operState, pair, sameNetwork } from './rules.ts';

export type WorldLink = {
  link: Link;
  netns: WorldNetns;
  addresses: KernelAddress[];
  /** A veth's other end. */
  peer?: WorldLink;
  device?: WireGuardDevice;
};

export class WorldNetns {
  readonly id: string;
  readonly links = new Map<number, WorldLink>();
  readonly followers = new Set<(notification: Notification) => void>();
  nextIndex = 2;

  constructor(id: string) {
    this.id = id;
    const lo: Link = { ...blank(1, 'lo', ''), flags: ['LOOPBACK'], mtu: 65536, mac: '00:00:00:00:00:00' };
    this.links.set(1, { link: lo, netns: this, addresses: [] });
  }

  named(name: string): WorldLink | undefined {
    for (const entry of this.links.values()) if (entry.link.name === name) return entry;
    return undefined;
  }

  at(index: number, operation: string): WorldLink {
    const entry = this.links.get(index);
    if (!entry) throw new KernelError('ENODEV', operation);
    return entry;
  }

  /** There are no packets here: an address answers that is on a link which is up, or on the far end of a veth of which both are. */
  reaches(ip: string): boolean {
    const has = ({ link, addresses }: WorldLink): boolean => link.up && addresses.some(({ local }) => local === ip);
    return [...this.links.values()].some(
      (entry) => has(entry) || (entry.link.up && entry.peer !== undefined && has(entry.peer)),
    );
  }

  tell(notification: Notification): void {
    for (const follower of this.followers) follower(structuredClone(notification));
  }
}

/** `NewLink` with its netns looked up. */
export type WorldNewLink = { link: NewLink; into: WorldNetns; peerInto: WorldNetns };

export class World {
  readonly #unsupported: ReadonlySet<string>;
  #macs = 0;
  #ports = 40_000;

  constructor(unsupported: Iterable<string>) {
    this.#unsupported = new Set(unsupported);
  }

  create(from: WorldNetns, { link, into, peerInto }: WorldNewLink): void {
    const operation = `create ${link.kind} ${link.name}`;
    this.#checkName(into, link.name, operation);
    if (this.#unsupported.has(link.kind)) {
      throw new KernelError('EOPNOTSUPP', operation, {
        module: moduleOf(link.kind),
        kernelWords: 'Unknown device type',
        advice: `load the module ${moduleOf(link.kind)}`,
      });
    }
    checkMtu(link.mtu, operation);
    const attributes = encoded(operation, () => attributesFor(link));
    checkAttributes(from, attributes, operation);
    if (link.kind === 'veth')
      this.#checkName(peerInto, link.peer.name, operation, peerInto === into ? link.name : undefined);
    const peer = link.kind === 'veth' ? this.#add(peerInto, link.peer.name, 'veth', link.peer) : undefined;
    const entry = this.#add(into, link.name, link.kind, link);
    Object.assign(entry.link, attributes, { peerIndex: (attributes.vlan ?? attributes.macvlan)?.link ?? null });
    if (peer) pair(entry, peer);
    if (link.kind === 'wireguard') entry.device = newDevice();
    for (const made of peer ? [peer, entry] : [entry]) made.netns.tell({ type: 'newLink', link: made.link });
    const { up, master } = link;
    if (up || master) this.change(into, entry.link.index, { ...(up ? { up } : {}), ...(master ? { master } : {}) });
    if (peer && link.kind === 'veth' && link.peer.up) this.change(peerInto, peer.link.index, { up: true });
  }

  change(netns: WorldNetns, index: number, change: Omit<LinkChange, 'netns'>): void {
    const entry = netns.at(index, `change link ${index}`);
    const operation = `change ${entry.link.name}`;
    if (change.name !== undefined && change.name !== entry.link.name) this.#checkName(netns, change.name, operation);
    checkMtu(change.mtu, operation);
    if (change.master) checkMaster(netns, entry, change.master, operation);
    const { link } = entry;
    if (change.attributes) Object.assign(link, changedAttributes(netns, link, change.attributes, operation));
    link.name = change.name ?? link.name;
    link.mtu = change.mtu ?? link.mtu;
    if (change.mtu !== undefined) this.#runIpv6(entry);
    if (change.alias !== undefined) link.alias = change.alias || null;
    if (change.master !== undefined) link.master = change.master;
    if (change.addrGenMode !== undefined && link.addrGenMode !== undefined) link.addrGenMode = change.addrGenMode;
    const flips = change.up !== undefined && change.up !== link.up;
    if (!flips) return netns.tell({ type: 'newLink', link });
    // A request of its own: what came before it is done, whether it is refused or not.
    if (change.up) {
      netns.tell({ type: 'newLink', link });
      checkUp(netns, link, operation);
    }
    this.#setUp(entry, !link.up);
  }

  move(netns: WorldNetns, index: number, target: WorldNetns): void {
    const entry = netns.at(index, `move link ${index}`);
    const operation = `move ${entry.link.name} to netns ${target.id}`;
    if (target === netns) return;
    if (['bridge', 'vrf', ''].includes(entry.link.kind))
      throw new KernelError('EINVAL', operation, { kernelWords: 'The interface netns is immutable' });
    if (target.named(entry.link.name)) throw new KernelError('EEXIST', operation);
    if (entry.link.up) this.#setUp(entry, false);
    this.#leave(entry);
    entry.addresses = [];
    entry.netns = target;
    entry.link = { ...entry.link, index: target.links.has(index) ? target.nextIndex++ : index, master: null };
    leaveLower(entry.link);
    target.nextIndex = Math.max(target.nextIndex, entry.link.index + 1);
    target.links.set(entry.link.index, entry);
    target.tell({ type: 'newLink', link: entry.link });
    if (!entry.peer) return;
    pair(entry, entry.peer);
    for (const end of [entry, entry.peer]) end.netns.tell({ type: 'newLink', link: end.link });
  }

  delete(netns: WorldNetns, index: number): void {
    const entry = netns.at(index, `delete link ${index}`);
    if (entry.link.kind === '') throw new KernelError('EOPNOTSUPP', `delete ${entry.link.name}`);
    this.#remove(entry);
  }

  addAddress(netns: WorldNetns, index: number, wanted: KernelAddress): void {
    const entry = netns.at(index, `add an address to link ${index}`);
    const operation = `add ${wanted.local}/${wanted.prefixlen} to ${entry.link.name}`;
    const address = encoded(operation, () => checked(wanted));
    if (entry.addresses.some((known) => sameAddress(known, address))) throw new KernelError('EEXIST', operation);
    if (address.family === 'inet6' && entry.link.mtu < 1280) throw new KernelError('EINVAL', operation);
    const secondary = address.family === 'inet' && entry.addresses.some((known) => sameNetwork(known, address));
    this.#addAddress(entry, { ...address, flags: secondary ? ['permanent', 'secondary'] : ['permanent'] });
  }

  removeAddress(netns: WorldNetns, index: number, wanted: KernelAddress): void {
    const entry = netns.at(index, `remove an address from link ${index}`);
    const operation = `remove ${wanted.local}/${wanted.prefixlen} from ${entry.link.name}`;
    const address = encoded(operation, () => checked(wanted));
    const known = entry.addresses.find((other) => sameAddress(other, address) && other.prefixlen === address.prefixlen);
    if (!known) throw new KernelError('EADDRNOTAVAIL', operation);
    this.#dropAddresses(entry, (other) => other === known);
    // A primary inet address takes the secondary ones of its network with it.
    if (known.family === 'inet' && !known.flags?.includes('secondary'))
      this.#dropAddresses(entry, (other) => sameNetwork(other, known));
  }

  /** The netns no longer exists: delete its links, and their peers in other netns. */
  destroy(netns: WorldNetns): void {
    for (const entry of netns.links.values()) if (entry.link.kind !== '') this.#remove(entry);
  }

  /** Chosen where none is asked for, once the device is up. */
  choosePort(entry: WorldLink): void {
    if (entry.device && entry.link.up && entry.device.listenPort === 0) entry.device.listenPort = this.#ports++;
  }

  #checkName(netns: WorldNetns, name: string, operation: string, alsoTaken?: string): void {
    if (Buffer.byteLength(name) > 15)
      throw new KernelError('ERANGE', operation, { kernelWords: 'Attribute failed policy validation' });
    if (name === '' || name === '.' || name === '..' || /[/:\s]/.test(name)) throw new KernelError('EINVAL', operation);
    if (netns.named(name) || name === alsoTaken) throw new KernelError('EEXIST', operation);
  }

  #add(netns: WorldNetns, name: string, kind: string, { mtu, mac }: { mtu?: number; mac?: string }): WorldLink {
    const link = blank(netns.nextIndex++, name, kind);
    if (kind === 'wireguard') link.addrGenMode = 'none';
    if (hasMac(kind))
      link.mac =
        mac ??
        `02:00:00:${[16, 8, 0].map((shift) => ((this.#macs >> shift) & 0xff).toString(16).padStart(2, '0')).join(':')}`;
    this.#macs++;
    link.mtu = mtu ?? (kind === 'wireguard' ? 1420 : 1500);
    link.flags = flagsOf(kind);
    const entry = { link, netns, addresses: [] };
    netns.links.set(link.index, entry);
    this.#runIpv6(entry);
    return entry;
  }

  /** IPv6 runs on a link whose packets are large enough for it (IPV6_MIN_MTU), and no longer where they no longer are. */
  #runIpv6(entry: WorldLink): void {
    const { link } = entry;
    if (link.mtu >= 1280) {
      link.addrGenMode ??= 'eui64';
      return;
    }
    delete link.addrGenMode;
    this.#dropAddresses(entry, ({ family }) => family === 'inet6');
  }

  #setUp(entry: WorldLink, up: boolean): void {
    entry.link.up = up;
    // IPv6 addresses do not outlive "down".
    if (!up) this.#dropAddresses(entry, ({ family }) => family === 'inet6');
    this.choosePort(entry);
    for (const end of entry.peer ? [entry, entry.peer] : [entry]) {
      const { link } = end;
      const lower = link.up && (end.peer?.link.up ?? true);
      link.flags = [
        ...(link.up ? ['UP'] : []),
        ...link.flags.filter((flag) => !['UP', 'RUNNING', 'LOWER_UP'].includes(flag)),
        ...(lower ? ['RUNNING', 'LOWER_UP'] : []),
      ];
      link.operState = operState(link, lower);
      end.netns.tell({ type: 'newLink', link });
      if (lower) this.#linkLocal(end);
    }
    // A vlan goes down and up with what is below it.
    for (const other of entry.netns.links.values()) {
      if (other.link.vlan?.link === entry.link.index && other.link.up !== up) this.#setUp(other, up);
    }
  }

  /** As IPv6 does by itself; a bridge here has no carrier. */
  #linkLocal(entry: WorldLink): void {
    const { link } = entry;
    if (
      link.addrGenMode !== 'eui64' ||
      !link.mac ||
      link.kind === 'bridge' ||
      entry.addresses.some(({ local }) => local.startsWith('fe80:'))
    )
      return;
    const [a = 0, ...rest] = link.mac.split(':').map((byte) => Number.parseInt(byte, 16));
    const local = formatIp(
      Buffer.from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, ...rest.slice(0, 2), 0xff, 0xfe, ...rest.slice(2)]),
    );
    this.#addAddress(entry, {
      family: 'inet6',
      local,
      peer: null,
      prefixlen: 64,
      noPrefixRoute: false,
      flags: ['permanent'],
    });
  }

  #addAddress(entry: WorldLink, address: KernelAddress): void {
    entry.addresses.push(address);
    entry.netns.tell({ type: 'newAddress', index: entry.link.index, address });
  }

  #dropAddresses(entry: WorldLink, which: (address: KernelAddress) => boolean): void {
    const dropped = entry.addresses.filter(which);
    entry.addresses = entry.addresses.filter((address) => !dropped.includes(address));
    for (const address of dropped) entry.netns.tell({ type: 'delAddress', index: entry.link.index, address });
  }

  #remove(entry: WorldLink): void {
    if (entry.netns.links.get(entry.link.index) !== entry) return;
    this.#leave(entry);
    if (entry.peer) this.#remove(entry.peer);
  }

  /** Out of its netns, with what hangs on it there. */
  #leave({ netns, link }: WorldLink): void {
    netns.links.delete(link.index);
    netns.tell({ type: 'delLink', index: link.index });
    for (const other of netns.links.values()) {
      if (below(other.link) === link.index) this.#remove(other);
      if (other.link.master !== link.index) continue;
      other.link.master = null;
      netns.tell({ type: 'newLink', link: other.link });
    }
  }
}
