export type { LostNetns, LostReason, ResolvedNetns } from './location.ts';
export { createNetnsResolver } from './resolver.ts';
export type { NetnsResolver, NetnsResolverOptions } from './resolver.ts';
export { ProcessRecords } from './processRecords.ts';
