/** What tests of other workspaces need: Kubernetes in memory, and the suite that every Kubernetes passes. Not for use in programs. */
export { createMemoryKube } from './memoryKube.ts';
export { kubeSuite } from './kubeSuite.ts';
export { quiet } from './objects.ts';
