export { debianKernel, choose } from './debian.ts';
export type { Age } from './debian.ts';
export { VmFailed, VmUnavailable } from './error.ts';
export { whyNoVm } from './guestImage.ts';
export { startVm } from './vm.ts';
export type { Vm } from './vm.ts';
