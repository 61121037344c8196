export { KernelError, isKernelError } from './error.ts';
export type { KernelErrorCode } from './error.ts';
export type { AddrGenMode, Address, AddressFlag, Kernel, Link, LinkChange, NetnsChange, Netns, NewLink, VxlanAttributes } from './kernel.ts';
export type { WireGuardAccess, WireGuardChange, WireGuardDevice, WireGuardEndpoint, WireGuardPeer, WireGuardPeerChange } from './wireguardTypes.ts';
