export { TestNode } from './node.ts';
export { MemoryKernel } from './memory/kernel.ts';
export { desiredObject } from './desired.ts';
export { someEvents, someKey } from './events.ts';
export { someLives } from './lives.ts';
export { startProxy } from './proxy.ts';
export type { Proxy } from './proxy.ts';
export { readEvents } from './stream.ts';
