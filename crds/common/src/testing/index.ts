/** What tests of all workspaces share. Not for use in programs. */
export { createAuthority } from './certificates.ts';
export type { Authority, CertificateFiles } from './certificates.ts';
export { TestClock } from './clock.ts';
export { collectGarbage } from './garbage.ts';
export { freePort } from './freePort.ts';
export { createMemoryEventStore } from './memoryEventStore.ts';
export type { MemoryEventStore, MemoryStreams } from './memoryEventStore.ts';
export { startNatsCluster } from './natsCluster.ts';
export type { NatsCluster } from './natsCluster.ts';
export { fillServer, natsServerPath, startNats } from './natsServer.ts';
export type { NatsServer, NatsServerOptions } from './natsServer.ts';
export { until } from './until.ts';
