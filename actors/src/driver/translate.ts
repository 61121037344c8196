/** Attributes of a kind as the log has them, which names devices, and as the kernel has them, which numbers them. */
import type { AttributedLink, KindAttributes, ObservedLink } from '@ifactor/crds';
import { KernelError } from '../kernel/index.ts';
import type { AttributedKind, Attributes, Link, Netns, VxlanAttributes } from '../kernel/index.ts';

/** @throws KernelError ENODEV where the device below is not there */
export function toKernel(netns: Netns, link: AttributedLink): AttributedKind {
  switch (link.kind) {
    case 'vxlan': {
      const { ageing, portRange, ...rest } = indexed(netns, link.vxlan, link.kind);
      return {
        kind: link.kind,
        vxlan: { ...rest, ...(portRange === null ? {} : { portRange }), ...(ageing ? {} : { ageing: 0 }) },
      };
    }
    case 'vlan':
      return { kind: link.kind, vlan: indexed(netns, link.vlan, link.kind) };
    case 'macvlan':
      return { kind: link.kind, macvlan: indexed(netns, link.macvlan, link.kind) };
    case 'vrf':
      return link;
    case 'ipip':
      return { kind: link.kind, ipip: indexed(netns, link.ipip, link.kind) };
    case 'gre':
      return { kind: link.kind, gre: indexed(netns, link.gre, link.kind) };
  }
}

/** What a link has of its own kind's attributes. */
export function fromKernel(
  netns: Netns,
  { vxlan, vlan, macvlan, vrf, ipip, gre }: Partial<Attributes> & Pick<Link, 'kind'>,
): Partial<KindAttributes> {
  if (vxlan) return { vxlan: vxlanOf(netns, vxlan) };
  if (vlan) return { vlan: named(netns, vlan) };
  if (macvlan) return { macvlan: named(netns, macvlan) };
  if (vrf) return { vrf };
  if (ipip) return { ipip: named(netns, ipip) };
  if (gre) return { gre: named(netns, gre) };
  return {};
}

function vxlanOf(netns: Netns, vxlan: VxlanAttributes): NonNullable<ObservedLink['vxlan']> {
  const { ageing, portRange, ...rest } = named(netns, vxlan);
  return { ...rest, portRange: portRange[1] === 0 ? null : portRange, ageing: ageing !== 0 };
}

function indexed<A extends { dev: string | null }>(
  netns: Netns,
  { dev, ...rest }: A,
  kind: string,
): Omit<A, 'dev'> & { link: number | null } {
  const lower = dev === null ? null : netns.link(dev);
  if (lower === undefined)
    throw new KernelError('ENODEV', `make a ${kind} over ${dev}`, { advice: 'it is waited for' });
  return { ...rest, link: lower?.index ?? null };
}

function named<A extends { link: number | null }>(
  netns: Netns,
  { link, ...rest }: A,
): Omit<A, 'link'> & { dev: string | null } {
  return { ...rest, dev: link === null ? null : (netns.linkAt(link)?.name ?? `if${link}`) };
}
