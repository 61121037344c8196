/** Kinds whose attributes differ between log and kernel in more than the device below. */
export { vxlan } from './vxlan.ts';
