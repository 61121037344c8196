export { createMarkIndex } from './markIndex.ts';
export { hasMovedLink, observe } from './observe.ts';
export { perform } from './perform.ts';
export type { Hands } from './perform.ts';
