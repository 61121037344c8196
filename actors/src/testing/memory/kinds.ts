/** What is particular to kinds of link in the kernel in memory: what Linux fills in, refuses, and changes of a link that is there. */
import { KernelError } from '../../kernel/error.ts';
import { canonicalIp } from '@ifactor/common/ip';
import type { Link, NewLink } from '../../kernel/kernel.ts';
import { isAttributed, type AttributedKind, type Attributes } from '../../kernel/wire/kind/index.ts';
import type { NewVxlan, VxlanAttributes } from '../../kernel/wire/kind/vxlan.ts';
import { encoded } from '../../kernel/wireguard/netlink.ts';
import type { WorldNetns } from './world.ts';

const tunnels = ['ipip', 'gre'];

export const hasMac = (kind: string): boolean => kind !== 'wireguard' && !tunnels.includes(kind);

export function flagsOf(kind: string): string[] {
  if (hasMac(kind)) return ['BROADCAST', 'MULTICAST'];
  return ['POINTOPOINT', 'NOARP'];
}

/** Index of the device without which a link ends. */
export const below = ({ vxlan, vlan, macvlan }: Link): number | null => (vxlan ?? vlan ?? macvlan)?.link ?? null;

/** As the kernel will show them. @throws RangeError on what is no address */
export function attributesFor(link: NewLink | AttributedKind): Partial<Attributes> {
  switch (link.kind) {
    case 'vxlan':
      return { vxlan: vxlanOf(link.vxlan) };
    case 'vlan':
      return { vlan: { ...link.vlan } };
    case 'macvlan':
      return { macvlan: { ...link.macvlan } };
    case 'vrf':
      return { vrf: { ...link.vrf } };
    case 'ipip':
      return { ipip: tunnelOf(link.ipip) };
    case 'gre':
      return { gre: tunnelOf(link.gre) };
    case 'bridge':
    case 'dummy':
    case 'veth':
    case 'wireguard':
      return {};
  }
}

function vxlanOf(wanted: NewVxlan): VxlanAttributes {
  return {
    link: null,
    port: 8472,
    portRange: [0, 0],
    tos: 0,
    ttl: 0,
    learning: true,
    ageing: 300,
    proxy: false,
    ...wanted,
    local: wanted.local ? canonicalIp(wanted.local) : null,
    group: wanted.group ? canonicalIp(wanted.group) : null,
  };
}

function tunnelOf<T extends Attributes['ipip']>(wanted: T): T {
  return { ...wanted, local: ipv4(wanted.local), remote: ipv4(wanted.remote) };
}

function ipv4(ip: string | null): string | null {
  if (ip?.includes(':')) throw new RangeError(`${ip} is no IPv4 address`);
  return ip === null ? null : canonicalIp(ip);
}

/** What a link of these attributes is refused for. @param self index of the link that is to have them; absent: it is to be made */
export function checkAttributes(
  netns: WorldNetns,
  { vxlan, vlan, macvlan, vrf, ipip, gre }: Partial<Attributes>,
  operation: string,
  self?: number,
): void {
  if (vxlan) checkVxlan(netns, vxlan, operation, self);
  for (const stacked of [vlan, macvlan]) {
    if (!stacked) continue;
    if (stacked.link === null) throw new KernelError('EINVAL', operation, { kernelWords: 'link not specified' });
    if (!netns.links.has(stacked.link)) throw new KernelError('ENODEV', operation);
  }
  if (vlan && (vlan.id < 0 || vlan.id > 4095))
    throw new KernelError('ERANGE', operation, { kernelWords: 'Invalid VLAN id' });
  if (vrf?.table === 0) throw new KernelError('EINVAL', operation, { kernelWords: 'Invalid VRF table id' });
  for (const { link } of netns.links.values()) {
    if (link.index === self) continue;
    const taken =
      (vlan && sameVlan(link.vlan, vlan)) ||
      (ipip && sameTunnel(link.ipip, ipip)) ||
      (gre && sameTunnel(link.gre, gre));
    if (taken) throw new KernelError('EEXIST', operation, vlan ? { kernelWords: 'VLAN device already exists' } : {});
    const alone =
      macvlan && link.macvlan?.link === macvlan.link && [link.macvlan.mode, macvlan.mode].includes('passthru');
    if (alone) throw new KernelError('EINVAL', operation);
  }
}

function checkVxlan(netns: WorldNetns, vxlan: VxlanAttributes, operation: string, self?: number): void {
  if (vxlan.vni >= 1 << 24)
    throw new KernelError('ERANGE', operation, { kernelWords: 'VXLAN ID must be lower than 16777216' });
  if (vxlan.link !== null && !netns.links.has(vxlan.link)) {
    throw new KernelError('ENODEV', operation, { kernelWords: 'Invalid local interface, device not found' });
  }
  for (const { link } of netns.links.values()) {
    if (link.index === self || link.vxlan?.vni !== vxlan.vni || link.vxlan.port !== vxlan.port) continue;
    throw new KernelError('EEXIST', operation, { kernelWords: 'A VXLAN device with the specified VNI already exists' });
  }
}

const sameVlan = (a: Attributes['vlan'] | undefined, b: Attributes['vlan']): boolean =>
  a?.link === b.link && a.id === b.id && a.protocol === b.protocol;

const sameTunnel = (
  a: (Attributes['ipip'] & { inputKey?: number | null }) | undefined,
  b: Attributes['ipip'] & { inputKey?: number | null },
): boolean => a?.local === b.local && a.remote === b.remote && a.link === b.link && a.inputKey === b.inputKey;

/** Of a link that is there. Kinds that take their attributes at birth only refuse. */
export function changedAttributes(
  netns: WorldNetns,
  link: Link,
  wanted: AttributedKind,
  operation: string,
): Partial<Attributes> {
  if (wanted.kind !== link.kind || !isAttributed(link.kind) || ['vlan', 'vrf'].includes(link.kind))
    throw new KernelError('EOPNOTSUPP', operation);
  const next = encoded(operation, () => attributesFor(wanted));
  if (wanted.kind === 'vxlan' && (next.vxlan?.vni !== link.vxlan?.vni || next.vxlan?.port !== link.vxlan?.port))
    throw new KernelError('EOPNOTSUPP', operation);
  if (wanted.kind === 'macvlan' && (wanted.macvlan.mode === 'passthru') !== (link.macvlan?.mode === 'passthru'))
    throw new KernelError('EINVAL', operation);
  checkAttributes(netns, next, operation, link.index);
  return next;
}

/** Its lower device is another netns's business once it was moved. */
export function leaveLower(link: Link): void {
  const stacked = link.vlan ?? link.macvlan;
  if (!stacked) return;
  stacked.link = null;
  link.linkNetnsId = 0;
}

export function checkUp(netns: WorldNetns, { vlan }: Link, operation: string): void {
  const lower = netns.links.get(vlan?.link ?? 0);
  if (lower && !lower.link.up) throw new KernelError('ENETDOWN', operation);
}
