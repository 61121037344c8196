/** A kernel in memory that passes the same suite as the real one. For tests: several programs can share it. */
import { Cache, type Notification } from '../../kernel/linux/cache.ts';
import { KernelError } from '../../kernel/error.ts';
import { canonicalIp } from '@ifactor/common/ip';
import type { KernelAddress, Kernel, Link, LinkChange, Netns, NetnsChange, NewLink } from '../../kernel/kernel.ts';
import { Listeners } from '../../kernel/socket/listeners.ts';
import { MemoryWireGuard } from './wireguard.ts';
import type { WireGuardAccess } from '../../kernel/wireguard/types.ts';
import { World, WorldNetns } from './world.ts';

export type MemoryOptions = {
  /** Kinds that this kernel lacks: creating them is EOPNOTSUPP. */
  unsupported?: Iterable<string>;
  report?: (error: unknown) => void;
};

type Open = { netns: MemoryNetns; uses: number };

export class MemoryKernel implements Kernel {
  readonly #world: World;
  readonly #paths = new Map<string, WorldNetns>();
  readonly #open = new Map<WorldNetns, Open>();
  readonly #report: (error: unknown) => void;
  #ids = 4026532000;

  constructor({ unsupported = [], report = throwLater }: MemoryOptions = {}) {
    this.#world = new World(unsupported);
    this.#report = report;
  }

  /** Makes a netns with a path, or gives the netns of `existing` another path. */
  addNetns(path: string, existing?: string): void {
    const netns = existing === undefined ? new WorldNetns(String(this.#ids++)) : this.#at(existing);
    this.#paths.set(path, netns);
  }

  /** Takes a path away; with the last one its netns ends. */
  removeNetns(path: string): void {
    const netns = this.#at(path);
    this.#paths.delete(path);
    if ([...this.#paths.values()].includes(netns)) return;
    this.#world.destroy(netns);
    this.#open.get(netns)?.netns.shut('no path leads to it any more');
    this.#open.delete(netns);
  }

  async open(path: string): Promise<Netns> {
    const netns = this.#at(path);
    let open = this.#open.get(netns);
    if (!open) {
      open = { netns: new MemoryNetns(this.#world, netns, this.#report, () => this.#release(netns)), uses: 0 };
      this.#open.set(netns, open);
    }
    open.uses++;
    await open.netns.resync();
    return open.netns;
  }

  async close(): Promise<void> {
    for (const { netns } of this.#open.values()) netns.shut();
    this.#open.clear();
  }

  #at(path: string): WorldNetns {
    const netns = this.#paths.get(path);
    if (!netns) throw new KernelError('ENOENT', `open netns ${path}`);
    return netns;
  }

  #release(netns: WorldNetns): void {
    const open = this.#open.get(netns);
    if (!open || --open.uses > 0) return;
    this.#open.delete(netns);
    open.netns.shut();
  }
}

class MemoryNetns implements Netns {
  readonly id: string;
  readonly wireguard: WireGuardAccess;
  readonly netns: WorldNetns;
  readonly #world: World;
  readonly #cache = new Cache();
  readonly #listeners: Listeners;
  readonly #released: () => void;
  #inbox: Notification[] = [];
  #closed = false;

  constructor(world: World, netns: WorldNetns, report: (error: unknown) => void, released: () => void) {
    this.id = netns.id;
    this.netns = netns;
    this.#world = world;
    this.#listeners = new Listeners(report);
    this.#released = released;
    this.wireguard = new MemoryWireGuard(world, netns, (operation) => this.#turn(operation));
    netns.followers.add(this.#follow);
  }

  links(): Iterable<Link> {
    return this.#cache.links();
  }

  link(name: string): Link | undefined {
    return this.#cache.link(name);
  }

  linkAt(index: number): Link | undefined {
    return this.#cache.linkAt(index);
  }

  addresses(index: number): readonly KernelAddress[] {
    return this.#cache.addresses(index);
  }

  async barrier(): Promise<void> {
    await this.#turn('wait for the kernel');
    this.#deliver();
  }

  async resync(): Promise<void> {
    await this.#turn('read links');
    this.#inbox = [];
    const next = new Cache();
    for (const { link, addresses } of this.netns.links.values()) {
      next.fold({ type: 'newLink', link: structuredClone(link) });
      for (const address of addresses) next.fold({ type: 'newAddress', index: link.index, address: { ...address } });
    }
    for (const change of this.#cache.replace(next)) this.#listeners.emit(change);
    this.#listeners.emit({ type: 'resync' });
  }

  reread(): Promise<void> {
    return this.barrier();
  }

  subscribe(listener: (change: NetnsChange) => void): () => void {
    return this.#listeners.add(listener);
  }

  async createLink(link: NewLink): Promise<void> {
    await this.#turn(`create ${link.kind} ${link.name}`);
    const into = worldOf(link.netns) ?? this.netns;
    this.#world.create(this.netns, {
      link,
      into,
      peerInto: (link.kind === 'veth' ? worldOf(link.peer.netns) : undefined) ?? into,
    });
  }

  async changeLink(index: number, { netns, ...change }: LinkChange): Promise<void> {
    await this.#turn(`change link ${index}`);
    this.#world.change(this.netns, index, change);
    const target = worldOf(netns);
    if (target) this.#world.move(this.netns, index, target);
  }

  async deleteLink(index: number): Promise<void> {
    await this.#turn(`delete link ${index}`);
    this.#world.delete(this.netns, index);
  }

  async addAddress(index: number, address: KernelAddress): Promise<void> {
    await this.#turn(`add ${address.local} to link ${index}`);
    this.#world.addAddress(this.netns, index, address);
  }

  async removeAddress(index: number, address: KernelAddress): Promise<void> {
    await this.#turn(`remove ${address.local} from link ${index}`);
    this.#world.removeAddress(this.netns, index, address);
  }

  async reaches(ip: string): Promise<boolean> {
    await this.#turn(`reach ${ip}`);
    return this.netns.reaches(canonicalIp(ip));
  }

  close(): void {
    this.#released();
  }

  shut(lost?: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.netns.followers.delete(this.#follow);
    if (lost !== undefined) setImmediate(() => this.#listeners.emit({ type: 'lost', reason: lost }));
  }

  readonly #follow = (notification: Notification): void => {
    if (this.#inbox.push(notification) === 1) setImmediate(() => this.#deliver());
  };

  #deliver(): void {
    const inbox = this.#inbox;
    this.#inbox = [];
    for (const notification of inbox) {
      const change = this.#closed ? undefined : this.#cache.fold(notification);
      if (change) this.#listeners.emit(change);
    }
  }

  /** Nothing happens before the caller has gone on, as with a real kernel. */
  async #turn(operation: string): Promise<void> {
    await Promise.resolve();
    if (this.#closed) throw new KernelError('ECLOSED', operation);
  }
}

function worldOf(netns: Netns | undefined): WorldNetns | undefined {
  if (netns === undefined) return undefined;
  if (!(netns instanceof MemoryNetns)) throw new TypeError('a netns of another kernel');
  return netns.netns;
}

/** So that a test in whose listener something broke fails. */
function throwLater(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}
