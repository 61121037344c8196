/** Kinds of which the driver has to know how attributes differ between log and kernel, or what a refusal means. */
export { gre } from './gre.ts';
export { ipip } from './ipip.ts';
export { macvlan } from './macvlan.ts';
export { vlan } from './vlan.ts';
export { vxlan } from './vxlan.ts';
