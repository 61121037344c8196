/** Rules of Linux that the kernel in memory follows: what is refused, and with which error. */
import { KernelError } from '../../kernel/error.ts';
import { formatIp, ipBytes, masked } from '@ifactor/common/ip';
import type { KernelAddress, Link } from '../../kernel/kernel.ts';
import type { WorldLink, WorldNetns } from './world.ts';

export function blank(index: number, name: string, kind: string): Link {
  return {
    index,
    name,
    kind,
    up: false,
    flags: [],
    operState: 'down',
    mtu: 1500,
    alias: null,
    master: null,
    mac: null,
    addrGenMode: 'eui64',
    group: 0,
    linkNetnsId: null,
    peerIndex: null,
  };
}

export function operState(link: Link, lower: boolean): string {
  if (!link.up) return 'down';
  if (link.kind !== 'veth') return 'unknown';
  return lower ? 'up' : 'lowerlayerdown';
}

export function pair(a: WorldLink, b: WorldLink): void {
  for (const [end, other] of [
    [a, b],
    [b, a],
  ] as const) {
    end.peer = other;
    end.link.peerIndex = other.link.index;
    end.link.linkNetnsId = end.netns === other.netns ? null : 0;
  }
}

export function checkMtu(mtu: number | undefined, operation: string): void {
  if (mtu !== undefined && (mtu < 68 || mtu > 65535))
    throw new KernelError('EINVAL', operation, { kernelWords: 'mtu out of range' });
}

export function checkMaster(netns: WorldNetns, { link }: WorldLink, master: number, operation: string): void {
  const upper = netns.links.get(master)?.link;
  if (!upper) throw new KernelError('EINVAL', operation);
  if (upper.kind === 'vrf' && link.kind !== 'vrf' && link.name !== 'lo') return;
  if (upper.kind !== 'bridge') throw new KernelError('EOPNOTSUPP', operation);
  if (link.kind === 'bridge')
    throw new KernelError('ELOOP', operation, { kernelWords: 'Can not enslave a bridge to a bridge' });
  if (!link.mac || link.name === 'lo') throw new KernelError('EINVAL', operation);
}

/** Canonical. @throws RangeError */
export function checked(address: KernelAddress): KernelAddress {
  const local = ipBytes(address.local);
  const peer = address.peer === null ? local : ipBytes(address.peer);
  const size = address.family === 'inet' ? 4 : 16;
  if (local.length !== size || peer.length !== size)
    throw new RangeError(`${address.local} or its peer is not of family ${address.family}`);
  if (address.prefixlen > size * 8) throw new RangeError(`prefix length ${address.prefixlen} is too long`);
  return { ...address, local: formatIp(local), peer: peer.equals(local) ? null : formatIp(peer) };
}

export function sameNetwork(a: KernelAddress, b: KernelAddress): boolean {
  if (a.family !== b.family || a.prefixlen !== b.prefixlen) return false;
  return networkOf(a).equals(networkOf(b));
}

function networkOf({ local, peer, prefixlen }: KernelAddress): Buffer {
  return masked(ipBytes(peer ?? local), prefixlen);
}
