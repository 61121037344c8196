/** Codecs of the kinds that have attributes of their own, by kind. */
export { gre } from './gre.ts';
export { ipip } from './ipip.ts';
export { macvlan } from './macvlan.ts';
export { vlan } from './vlan.ts';
export { vrf } from './vrf.ts';
export { vxlan } from './vxlan.ts';
