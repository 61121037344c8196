/** Kinds whose attributes differ between log and kernel, or whose refusals have a known meaning. */
export { gre } from './gre.ts';
export { ipip } from './ipip.ts';
export { macvlan } from './macvlan.ts';
export { vlan } from './vlan.ts';
export { vxlan } from './vxlan.ts';
