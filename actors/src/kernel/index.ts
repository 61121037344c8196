export { KernelError, isKernelError } from './error.ts';
export type { KernelErrorCode } from './error.ts';
export type {
  AddrGenMode,
  KernelAddress,
  AddressFlag,
  Kernel,
  Link,
  LinkChange,
  NetnsChange,
  Netns,
  NewLink,
} from './kernel.ts';
export { isAttributed, moduleOf } from './wire/kind/index.ts';
export type { AttributedKind, Attributes } from './wire/kind/index.ts';
export type {
  WireGuardAccess,
  WireGuardChange,
  WireGuardDevice,
  KernelPeer,
  WireGuardPeerChange,
} from './wireguard/types.ts';
export { inNetns } from './socket/libc.ts';
export { canonicalIp, canonicalNetwork, parseIp } from '@ifactor/common/ip';
export { openKernel } from './linux/kernel.ts';
export type { KernelOptions } from './linux/kernel.ts';
