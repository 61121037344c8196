/** A netns of this machine's kernel. */
import type { Clock } from '@ifactor/common';
import { closeSync, readFileSync, writeFileSync } from 'node:fs';
import { decodeAddress, encodeDeleteAddress, encodeDumpAddresses, encodeNewAddress } from '../wire/address.ts';
import type { Notification } from './cache.ts';
import { LinkDeletions } from './deletions.ts';
import { isKernelError, KernelError } from '../error.ts';
import { echo } from '../socket/echo.ts';
import { KernelFollower } from './follower.ts';
import type { KernelAddress, Link, LinkChange, Netns, NetnsChange, NewLink } from '../kernel.ts';
import { inNetns } from '../socket/libc.ts';
import { decodeLink, encodeDumpLinks, encodeLinkChange, encodeNewLink, encodeUp } from '../wire/link.ts';
import type { LinkMessage } from '../wire/link.ts';
import { moduleOf } from '../wire/kind/index.ts';
import { Listeners } from '../socket/listeners.ts';
import { monitorGroups } from '../socket/monitor.ts';
import { Requests } from '../socket/requests.ts';
import { NETLINK_GENERIC, NETLINK_ROUTE, openSocket } from '../socket/socket.ts';
import type { Userspace } from '../wireguard/userspace.ts';
import { encoded, KernelWireGuard } from '../wireguard/netlink.ts';
import type { WireGuardAccess } from '../wireguard/types.ts';

const monitorBuffer = 8 << 20;
/** Milliseconds that an echo may take. */
const echoTime = 1000;

export type RealNetnsParts = {
  /** Open on the netns; belongs to the object from now on. */
  fd: number;
  id: string;
  userspace: Userspace;
  maxLinks: number;
  clock: Clock;
  handlers: RealNetnsHandlers;
};

export type RealNetnsHandlers = {
  /** It has more links than `maxLinks`. */
  crowded: (reason: string) => void;
  /** One use was closed. */
  released: () => void;
  report: (error: unknown) => void;
};

export class RealNetns implements Netns {
  readonly id: string;
  readonly fd: number;
  readonly wireguard: WireGuardAccess;
  readonly #parts: RealNetnsParts;
  readonly #requests: Requests;
  readonly #deletions: LinkDeletions;
  readonly #follower: KernelFollower;
  readonly #listeners: Listeners;
  readonly #kernelWireGuard: KernelWireGuard;
  #closed = false;

  constructor(parts: RealNetnsParts) {
    this.#parts = parts;
    this.id = parts.id;
    this.fd = parts.fd;
    const { clock, fd, maxLinks } = parts;
    const { report, crowded } = parts.handlers;
    this.#listeners = new Listeners(report);
    const open = (protocol: number) => new Requests((handlers) => openSocket(fd, protocol, handlers, clock), clock);
    this.#requests = open(NETLINK_ROUTE);
    this.#deletions = new LinkDeletions(this.#requests);
    const monitoring = { groups: monitorGroups, receiveBuffer: monitorBuffer };
    this.#follower = new KernelFollower({
      clock,
      source: {
        openMonitor: (handlers) => openSocket(fd, NETLINK_ROUTE, handlers, clock, monitoring),
        dump: (fold) => this.#dump(fold),
        present: (notification) => this.#present(notification),
      },
      handlers: { emit: (change) => this.#changed(change), report, crowded },
      maxLinks,
    });
    this.#kernelWireGuard = new KernelWireGuard({
      open: () => open(NETLINK_GENERIC),
      indexOf: (name) => this.link(name)?.index,
    });
    const userspace = (name: string): WireGuardAccess | undefined => parts.userspace.at(this.id, name);
    this.wireguard = {
      get: async (name) => (userspace(name) ?? this.#kernelWireGuard).get(name),
      set: async (name, change) => (userspace(name) ?? this.#kernelWireGuard).set(name, change),
    };
  }

  links(): Iterable<Link> {
    return this.#follower.cache.links();
  }

  link(name: string): Link | undefined {
    return this.#follower.cache.link(name);
  }

  linkAt(index: number): Link | undefined {
    return this.#follower.cache.linkAt(index);
  }

  addresses(index: number): readonly KernelAddress[] {
    return this.#follower.cache.addresses(index);
  }

  barrier(): Promise<void> {
    return this.#follower.barrier();
  }

  resync(): Promise<void> {
    return this.#follower.resync();
  }

  reread(index: number): Promise<void> {
    this.#follower.refresh(index);
    return this.#follower.barrier();
  }

  subscribe(listener: (change: NetnsChange) => void): () => void {
    return this.#listeners.add(listener);
  }

  async createLink(link: NewLink): Promise<void> {
    const operation = `create ${link.kind} ${link.name}`;
    try {
      await this.#ask(operation, () => encodeNewLink(link, netnsFd));
      if ('peer' in link) await real(link.peer.netns ?? link.netns ?? this).#greetPeer(link.peer, operation);
    } catch (error) {
      if (!isKernelError(error, 'EOPNOTSUPP') || !/^(unknown device type)?$/i.test(error.kernelWords ?? ''))
        throw error;
      if (link.kind !== 'wireguard') throw unsupported(link.kind, operation, error);
      await this.#createUserspace(link, operation);
    }
  }

  async changeLink(index: number, change: LinkChange): Promise<void> {
    const name = this.linkAt(index)?.name;
    const operation = `change ${name ?? `link ${index}`}`;
    const { netns, ...rest } = change;
    const daemon = name === undefined ? undefined : this.#parts.userspace.at(this.id, name);
    const send = (what: string, part: LinkChange): Promise<void> =>
      this.#sendAll(what, () => encodeLinkChange(index, part, netnsFd));
    if (daemon && change.name !== undefined) await daemon.during({ name: change.name }, () => send(operation, rest));
    else await send(operation, rest);
    if (!change.up && !netns) this.#follower.refresh(index);
    if (!netns) return;
    const move = (): Promise<void> =>
      send(`move ${change.name ?? name ?? `link ${index}`} to netns ${netns.id}`, { netns });
    await (daemon ? daemon.during({ netns: netns.id }, move) : move());
  }

  async deleteLink(index: number): Promise<void> {
    const name = this.linkAt(index)?.name;
    const daemon = name === undefined ? undefined : this.#parts.userspace.at(this.id, name);
    await this.#deletions.delete(index, `delete ${name ?? `link ${index}`}`);
    await daemon?.end();
  }

  async addAddress(index: number, address: KernelAddress): Promise<void> {
    const operation = `add ${addressText(address)} to ${this.linkAt(index)?.name ?? `link ${index}`}`;
    const ask = (): Promise<void> => this.#ask(operation, () => encodeNewAddress(index, address));
    try {
      await ask();
    } catch (error) {
      if (address.family !== 'inet6' || !isKernelError(error, 'EACCES', 'EPERM') || !this.#enableIpv6(index))
        throw error;
      await ask();
    }
  }

  removeAddress(index: number, address: KernelAddress): Promise<void> {
    const operation = `remove ${addressText(address)} from ${this.linkAt(index)?.name ?? `link ${index}`}`;
    return this.#ask(operation, () => encodeDeleteAddress(index, address));
  }

  async reaches(ip: string): Promise<boolean> {
    if (this.#closed) throw new KernelError('ECLOSED', `reach ${ip}`);
    return echo(this.fd, ip, echoTime);
  }

  close(): void {
    this.#parts.handlers.released();
  }

  /** Fills the cache. */
  start(): Promise<void> {
    return this.#follower.resync();
  }

  /** Ends it for all its users. */
  shut(lost?: string): void {
    if (this.#closed) return;
    this.#closed = true;
    if (lost !== undefined) this.#listeners.emit({ type: 'lost', reason: lost });
    this.#follower.close();
    this.#requests.close();
    this.#kernelWireGuard.close();
    closeSync(this.fd);
  }

  /** The far end of a pair that was made with the near one, here. */
  async #greetPeer({ name, up }: { name: string; up?: boolean }, operation: string): Promise<void> {
    if (up) await this.#ask(operation, () => encodeUp(name));
    this.#follower.refresh(name);
  }

  #ask(operation: string, encode: () => Buffer): Promise<void> {
    return this.#sendAll(operation, () => [{ message: encode() }]);
  }

  /** In order, in one batch. Rejects with the first error; the kernel still executes the later messages. */
  async #sendAll(operation: string, encode: () => LinkMessage[]): Promise<void> {
    const messages = encoded(operation, encode);
    const send = async ({ message, passOver }: LinkMessage): Promise<void> => {
      try {
        await this.#requests.request(message, { operation });
      } catch (error) {
        if (passOver === undefined || !isKernelError(error, passOver)) throw error;
      }
    };
    await Promise.all(messages.map(send));
  }

  async #dump(fold: (notification: Notification) => void): Promise<boolean> {
    const links = await this.#requests.request(encodeDumpLinks(), {
      operation: 'list links',
      alone: true,
      each: ({ payload }) => {
        const link = decodeLink(payload);
        if (link) fold({ type: 'newLink', link });
      },
    });
    const addresses = await this.#requests.request(encodeDumpAddresses(), {
      operation: 'list addresses',
      alone: true,
      each: ({ payload }) => {
        const decoded = decodeAddress(payload);
        if (decoded) fold({ type: 'newAddress', ...decoded });
      },
    });
    return links.interrupted || addresses.interrupted;
  }

  #present(notification: Notification): Notification {
    if (notification.type !== 'newLink' || notification.link.kind !== 'tun') return notification;
    if (!this.#parts.userspace.recognizes(this.id, notification.link)) return notification;
    return { type: 'newLink', link: { ...notification.link, kind: 'wireguard' } };
  }

  #changed(change: NetnsChange): void {
    this.#listeners.emit(change);
    if (change.type === 'linkRemoved' && !this.link(change.name))
      this.#parts.userspace.at(this.id, change.name)?.vanished(this.id);
  }

  async #createUserspace(link: NewLink, operation: string): Promise<void> {
    await this.#parts.userspace.create(this, link.name, operation);
    await this.barrier();
    const made = this.link(link.name);
    if (!made)
      throw new KernelError('ENODEV', operation, { meaning: 'wireguard-go runs, but its link does not exist' });
    const { mtu, up, master, netns } = link;
    const change: LinkChange = {
      ...(mtu === undefined ? {} : { mtu }),
      ...(up === undefined ? {} : { up }),
      ...(master === undefined ? {} : { master }),
      ...(netns === undefined ? {} : { netns }),
    };
    if (Object.keys(change).length > 0) await this.changeLink(made.index, change);
  }

  /** True if IPv6 was off for this link and is on now. `/proc/sys/net` shows the netns of the thread that looks. */
  #enableIpv6(index: number): boolean {
    const name = this.linkAt(index)?.name;
    if (name === undefined) return false;
    const path = `/proc/sys/net/ipv6/conf/${name}/disable_ipv6`;
    try {
      return inNetns(this.fd, () => {
        if (readFileSync(path, 'utf8').trim() === '0') return false;
        writeFileSync(path, '0');
        return true;
      });
    } catch (error) {
      this.#parts.handlers.report(error);
      return false;
    }
  }
}

function real(netns: Netns): RealNetns {
  if (!(netns instanceof RealNetns)) throw new TypeError('a netns of another kernel');
  return netns;
}

function netnsFd(netns: Netns): number {
  return real(netns).fd;
}

function unsupported(kind: string, operation: string, cause: KernelError): KernelError {
  const module = moduleOf(kind);
  return new KernelError('EOPNOTSUPP', operation, {
    module,
    kernelWords: cause.kernelWords,
    cause,
    advice: `this kernel has no "${kind}": load the module (modprobe ${module}) or use a kernel that has it`,
  });
}

function addressText({ local, peer, prefixlen }: KernelAddress): string {
  return peer === null ? `${local}/${prefixlen}` : `${local} peer ${peer}/${prefixlen}`;
}
