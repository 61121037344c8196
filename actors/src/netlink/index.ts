export { KernelError, isKernelError } from './error.ts';
export type { KernelErrorCode } from './error.ts';
export type { AddrGenMode, Address, AddressFlag, Kernel, Link, LinkChange, NetnsChange, Netns, NewLink, VxlanAttributes } from './kernel.ts';
export type { WireGuardAccess, WireGuardChange, WireGuardDevice, WireGuardEndpoint, WireGuardPeer, WireGuardPeerChange } from './wireguardTypes.ts';
export { canonicalIp, canonicalNetwork, parseIp } from './ip.ts';
export { publicKeyOf } from './wireguardKey.ts';
export { openKernel } from './real.ts';
export type { KernelOptions } from './real.ts';
