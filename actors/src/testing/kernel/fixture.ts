/** What the parts of the suite share: a fresh netns for each test, and words to speak of it. */
import { isKernelError, type KernelErrorCode } from '../../kernel/error.ts';
import type { KernelAddress, Kernel, Link, Netns, NetnsChange } from '../../kernel/kernel.ts';

/** A kernel to be tested, and what is around it. */
export type Bench = {
  kernel: Kernel;
  /** Makes a netns and gives its path. */
  addNetns(): Promise<string>;
  removeNetns(path: string): Promise<void>;
  /** Kinds that this kernel has. */
  supports(kind: string): boolean;
  /** Takes everything away that was made. */
  close(): Promise<void>;
};

export class Fixture {
  readonly bench: Bench;
  readonly path: string;
  readonly netns: Netns;

  private constructor(bench: Bench, path: string, netns: Netns) {
    this.bench = bench;
    this.path = path;
    this.netns = netns;
  }

  static async make(bench: Bench): Promise<Fixture> {
    const path = await bench.addNetns();
    return new Fixture(bench, path, await bench.kernel.open(path));
  }

  /** The link in the cache after all requests were applied. */
  async seen(name: string, where = this.netns): Promise<Link> {
    await where.barrier();
    const link = where.link(name);
    if (!link) throw new Error(`${name} is not there`);
    return link;
  }

  async bridge(name = 'br0'): Promise<Link> {
    await this.netns.createLink({ kind: 'bridge', name });
    return this.seen(name);
  }

  async wireguard(): Promise<Link> {
    await this.netns.createLink({ kind: 'wireguard', name: 'wg0', mtu: 1420 });
    return this.seen('wg0');
  }

  /** A second netns. */
  async other(): Promise<Netns> {
    return this.bench.kernel.open(await this.bench.addNetns());
  }

  /** The next change of this type. */
  next(type: NetnsChange['type'], where = this.netns): Promise<NetnsChange> {
    return new Promise((resolve) => {
      const stop = where.subscribe((change) => {
        if (change.type !== type) return;
        stop();
        resolve(change);
      });
    });
  }
}

/** The code of the error, or 'done'. */
export async function refusal(act: Promise<unknown>): Promise<KernelErrorCode> {
  try {
    await act;
  } catch (error) {
    if (isKernelError(error)) return error.code;
    throw error;
  }
  return 'done';
}

export function address(local: string, prefixlen: number, rest: Partial<KernelAddress> = {}): KernelAddress {
  return {
    family: local.includes(':') ? 'inet6' : 'inet',
    local,
    peer: null,
    prefixlen,
    noPrefixRoute: false,
    ...rest,
  };
}

/** Without flags. */
export function plain(list: readonly KernelAddress[]): KernelAddress[] {
  return list.map(({ family, local, peer, prefixlen, noPrefixRoute }) => ({
    family,
    local,
    peer,
    prefixlen,
    noPrefixRoute,
  }));
}

export function key(byte: number): Buffer {
  return Buffer.alloc(32, byte);
}

export function publicKey(byte: number): string {
  return key(byte).toString('base64');
}
