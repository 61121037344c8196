import { host, type Machine } from './machine.ts';

/** Kinds of link that the drivers, or users of them, may ask for. */
export const linkKinds = [
  'wireguard',
  'dummy',
  'bridge',
  'veth',
  'vxlan',
  'vlan',
  'macvlan',
  'vrf',
  'ipip',
  'gre',
] as const;
export type LinkKind = (typeof linkKinds)[number];

const extra: Partial<Record<LinkKind, string[]>> = {
  vxlan: ['id', '1', 'dstport', '4789'],
  vrf: ['table', '10'],
  ipip: ['local', '127.0.0.1', 'remote', '127.0.0.2'],
  gre: ['local', '127.0.0.1', 'remote', '127.0.0.2'],
};
/** Kinds that need a link below them. */
const stacked: Partial<Record<LinkKind, string[]>> = { vlan: ['id', '1'], macvlan: [] };

/** Whether the kernel can make such a link: tried in a netns that ends with the trial. */
export async function hasKind(kind: LinkKind, machine: Machine = host): Promise<boolean> {
  const below = stacked[kind];
  const script = below
    ? `ip link add base0 type bridge && ip link add trial0 link base0 type ${kind} ${below.join(' ')}`
    : `ip link add trial0 type ${kind} ${(extra[kind] ?? []).join(' ')}`;
  return (await machine.capture('unshare', ['--net', 'sh', '-c', script])).code === 0;
}
