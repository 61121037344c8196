import { netlinkTypes } from '@ifactor/crds';
import { host, type Machine } from './machine.ts';

/** Kinds of link that objects may ask for. */
export const linkKinds = ['wireguard', ...netlinkTypes] as const;
export type ProbedKind = (typeof linkKinds)[number];

const base = 'ip link add base0 type bridge';
/** Arguments of `ip link add trial0` where the type is not enough, by kind. `link base0` is a lower link made first. */
const words: { readonly [K in ProbedKind]?: string } = {
  gre: 'type gre local 127.0.0.1 remote 127.0.0.2',
  ipip: 'type ipip local 127.0.0.1 remote 127.0.0.2',
  macvlan: 'link base0 type macvlan',
  vlan: 'link base0 type vlan id 1',
  vrf: 'type vrf table 10',
  vxlan: 'type vxlan id 1 dstport 4789',
};

/** Whether the kernel supports this kind of link, tried in a temporary netns. */
export async function hasKind(kind: ProbedKind, machine: Machine = host): Promise<boolean> {
  const trial = words[kind] ?? `type ${kind}`;
  const script = `${trial.startsWith('link') ? `${base} && ` : ''}ip link add trial0 ${trial}`;
  return (await machine.capture('unshare', ['--net', 'sh', '-c', script])).code === 0;
}
