/** Kinds that the driver has to know something of: how attributes differ between log and kernel, what a refusal of them means. */
export { gre } from './gre.ts';
export { ipip } from './ipip.ts';
export { macvlan } from './macvlan.ts';
export { vlan } from './vlan.ts';
export { vxlan } from './vxlan.ts';
