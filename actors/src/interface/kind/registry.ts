/** The rules of each type of NetlinkInterface, by type. */
export { bridge } from './bridge.ts';
export { dummy } from './dummy.ts';
export { gre } from './gre.ts';
export { ipip } from './ipip.ts';
export { macvlan } from './macvlan.ts';
export { veth } from './veth.ts';
export { vlan } from './vlan.ts';
export { vrf } from './vrf.ts';
export { vxlan } from './vxlan.ts';
